"""Where instances that come over the network land: in the inbox, an entry for each examination.

`INBOX/exam-EXAMINATION/SERIES/INSTANCE.dcm`; these are hashes of UIDs, since senders write what they like.
"""

import errno
import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol
from uuid import uuid4

from segwatch.errors import RefusedVolume, StoreUnavailable
from segwatch.files import flush
from segwatch.ingest.inbox import ANNOUNCED, ARRIVING
from segwatch.volumes.dicom_slices import read_header
from segwatch.volumes.one_series import same_instance
from segwatch.volumes.refusals import refused
from services.ingest.carriers import Carrier, Carriers
from services.ingest.case import ARRIVED_BY, CALLED, ArrivedBy
from services.ingest.inbox import Inbox

PROCESSING_FAILURE = 0x0110
DUPLICATE_INSTANCE = 0x0111
OUT_OF_RESOURCES = 0xA700
CANNOT_UNDERSTAND = 0xC000
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_UIDS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")


NOT_NOW = frozenset({PROCESSING_FAILURE, OUT_OF_RESOURCES})
"""The sender may send the same again; other failures stay."""
CONFLICT: Final = "conflicting_instances"


class SpoolFull(StoreUnavailable):
    """There is no room for more; the sender is told, and sends again later."""


REFUSALS = (SpoolFull, RefusedVolume, OSError)
"""Why an instance is not taken."""


def status_of_refusal(error: SpoolFull | RefusedVolume | OSError) -> int:
    """The status that the sender is told (DICOM PS3.4 Table B.2-1, PS3.18 Annex I.2)."""
    if isinstance(error, RefusedVolume):
        return DUPLICATE_INSTANCE if error.kind == CONFLICT else CANNOT_UNDERSTAND
    full = isinstance(error, SpoolFull) or error.errno in FULL
    return OUT_OF_RESOURCES if full else PROCESSING_FAILURE


class Usage(Protocol):
    """What `shutil.disk_usage` says of a disk, in bytes."""

    @property
    def total(self) -> int: ...
    @property
    def free(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Instance:
    """Which DICOM instance arrived."""

    sop_class: str
    sop_instance: str
    study: str
    series: str


@dataclass(frozen=True)
class Sender:
    """Through which door something comes, and what brings it.

    Attributes:
        called: the title that it was sent to, where the door has several.
    """

    arrived_by: ArrivedBy
    carrier: Carrier
    called: str | None = None


@dataclass(frozen=True)
class Room:
    """How much of a disk stays free: the larger of the two.

    Attributes:
        megabytes, percent: of the disk.
        usage: of the disk that a folder lies on.
    """

    megabytes: int = 0
    percent: float = 0.0
    usage: Callable[[Path], Usage] = shutil.disk_usage

    def left(self, folder: Path) -> int:
        """Bytes that may still be written."""
        found = self.usage(folder)
        return found.free - max(self.megabytes * 2**20, int(found.total * self.percent / 100))


class Spool:
    """Takes instances, durably before it says so. What they are is for the pipeline to judge.

    Attributes:
        carriers: what brings them, through all doors.
        entering: held while an instance gets its name.
    """

    def __init__(self, inbox: Inbox, room: Room | None = None) -> None:
        self.inbox = inbox
        self.room = room or Room()
        self.carriers = Carriers(inbox)
        self.entering = threading.Lock()

    @contextmanager
    def arriving(self) -> Iterator["Arriving"]:
        """A place for one instance's bytes, gone again when they are not kept."""
        path = self.inbox.root / ARRIVING / uuid4().hex
        with path.open("xb") as file:
            try:
                yield Arriving(self, path, file)
            finally:
                path.unlink(missing_ok=True)

    def takes_more(self) -> bool:
        """Whether there is room on the disk, as far as the disk can be asked."""
        try:
            return self.room.left(self.inbox.root) > 0
        except OSError:
            return False

    def take(self, data: bytes, sender: Sender) -> Instance:
        """Keep the bytes of one DICOM file; raises as `Arriving.write` and `enter` do."""
        with self.arriving() as arriving:
            arriving.write(data)
            instance = arriving.look()
            arriving.enter(instance, sender)
            return instance


@dataclass(frozen=True)
class Arriving:
    """One instance on its way in."""

    spool: Spool
    path: Path
    file: BinaryIO

    def write(self, data: bytes) -> None:
        """Add bytes.

        Raises:
            SpoolFull: the disk is as full as it may get.
        """
        if self.spool.room.left(self.path.parent) < len(data):
            raise SpoolFull("the disk of the inbox is full; make room or move it")
        self.file.write(data)

    def look(self) -> Instance:
        """Which instance it is.

        Raises:
            RefusedVolume: no DICOM file, damaged, or without the UIDs of study, series and instance.
        """
        self.file.flush()
        header = read_header(self.path)
        uids = [str(header.get(keyword) or "") for keyword in _UIDS]
        if not all(uids):
            raise refused("unreadable", "instance", "it lacks the UID of its class, study, series or itself")
        return Instance(*uids)

    def enter(self, instance: Instance, sender: Sender) -> None:
        """Put it into its examination's entry in the inbox; on the disk for good when this returns.

        Raises:
            RefusedVolume: conflicting_instances, another image of this name was taken before, and is not
                written over.
            OSError: the disk fails.
        """
        self.file.flush()
        os.fsync(self.file.fileno())
        name, series = entry_of(instance.study), short(instance.series)
        inside = Path(series) / f"{short(instance.sop_instance)}.dcm"
        entry = self.spool.inbox.root / name
        sender.carrier.brings(name, series)
        with self.spool.entering:
            self._check_new(instance, [entry / inside, self.spool.inbox.root / ANNOUNCED / name / inside])
            self._place(entry, inside, sender)
        flush((entry / inside).parent)
        flush(entry)
        flush(entry.parent)

    def _check_new(self, instance: Instance, places: list[Path]) -> None:
        for known in places:
            if known.is_file() and not same_instance(known, self.path):
                problem = (
                    "another image with this SOP Instance UID was taken before; give it a UID of its own"
                )
                raise refused(CONFLICT, instance.sop_instance, problem)

    def _place(self, entry: Path, inside: Path, sender: Sender) -> None:
        for last in (False, True):
            try:
                (entry / inside).parent.mkdir(parents=True, exist_ok=True)
                (entry / ARRIVED_BY).write_text(sender.arrived_by)
                if sender.called is not None:
                    (entry / CALLED).write_text(sender.called)
                self.path.rename(entry / inside)
                break
            except FileNotFoundError:
                if last:  # once the folder may have been cleared between two lines, not twice
                    raise


def entry_of(study_uid: str) -> str:
    """The name of an examination's entry in the inbox."""
    return f"exam-{short(study_uid)}"


def short(uid: str) -> str:
    """A file name for a UID, whatever the sender wrote into it."""
    return hashlib.sha256(uid.encode()).hexdigest()[:32]
