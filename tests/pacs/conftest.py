"""A running ingest, and an Orthanc that knows it, once for all tests, which take studies of their own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from deploy.local.machine.loopback_http import request
from deploy.local.machine.ports import reserve_ports
from segwatch.contracts.envelope import decode
from segwatch.contracts.identity import pseudonym
from segwatch.contracts.studies import StudyReceived
from segwatch.contracts.topics import RECEIVED, dead_letters
from segwatch.streaming.embedded.log import EmbeddedLog
from tests.support.ingest_process import SECRET, ingest_process
from tests.support.pacs import Archive, Scanner, orthanc
from tests.support.streaming import eventually, read_all

QUIET_SECONDS = 2.0
PATIENCE_SECONDS = 60.0
LUNG_RULES = """
version: lung-1
set_aside: []
choose:
  - {name: thick_only, slices: {min: 30}}
"""


@dataclass
class Ingest:
    """`python -m services.ingest`, as its senders and its log know it."""

    folder: Path
    dicom: int
    stow: int
    http: int
    seeds: Iterator[int] = field(default_factory=lambda: iter(count(1)))

    def scanner(self, port: int | None = None, called: str = "SEGWATCH") -> Scanner:
        """A sender to its door, or to a port that leads there."""
        return Scanner(port or self.dicom, self.folder / "sent", called)

    def announced(self, slices: Sequence[Dataset]) -> list[StudyReceived]:
        """What was announced of a series, one version after the other."""
        study = pseudonym(SECRET.encode(), "study", slices[0].SeriesInstanceUID)
        with EmbeddedLog(self.folder / "log.db") as log:
            records = read_all(log, RECEIVED)
        found = [decode(RECEIVED, each.key, each.value, each.headers).data for each in records]
        return [each for each in found if each.study == study]

    def wait_for(self, slices: Sequence[Dataset], versions: int = 1) -> StudyReceived:
        """The newest version of a study, when there are so many."""
        eventually(lambda: len(self.announced(slices)) >= versions, PATIENCE_SECONDS)
        found = self.announced(slices)
        assert len(found) == versions
        return found[-1]

    def is_empty(self) -> bool:
        """Whether no entry waits in the inbox."""
        return not [path for path in (self.folder / "inbox").iterdir() if path.name[0] != "."]

    def rest(self) -> None:
        """Wait until everything that came is done with."""
        eventually(self.is_empty, PATIENCE_SECONDS)

    def letters(self) -> list[str]:
        """The kinds of all dead letters so far."""
        with EmbeddedLog(self.folder / "log.db") as log:
            found = read_all(log, dead_letters(RECEIVED))
        return [value.decode() for each in found for name, value in each.headers if name == "dlq_error"]

    def metrics(self) -> str:
        return request(self.http, "/metrics")[1].decode()


@pytest.fixture(scope="session")
def ports() -> tuple[int, ...]:
    return tuple(reserve_ports(5))


@pytest.fixture(scope="session")
def archive(ports: tuple[int, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """An Orthanc that knows ingest's titles."""
    door = ports[0]
    known = {
        "live": ("SEGWATCH", door),
        "back": ("SEGWATCH-BACK", door),
        "trial": ("SEGWATCH-TRIAL", door),
    }
    with orthanc(tmp_path_factory.mktemp("orthanc"), (ports[3], ports[4]), known) as running:
        yield running


@pytest.fixture(scope="session")
def ingest(
    ports: tuple[int, ...], archive: Archive, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ingest]:
    """A running ingest, which asks the archive how many images there are."""
    folder = tmp_path_factory.mktemp("ingest")
    (folder / "lung.yaml").write_text(LUNG_RULES)
    with ingest_process(
        folder,
        ports[2],
        QUIET_SECONDS=QUIET_SECONDS,
        INCOMPLETE_SECONDS=3600,
        DICOM_PORT=ports[0],
        DICOM_TITLES=f"LUNG={folder / 'lung.yaml'}",
        STOW_PORT=ports[1],
        PACS=archive.peer,
    ):
        yield Ingest(folder, dicom=ports[0], stow=ports[1], http=ports[2])
