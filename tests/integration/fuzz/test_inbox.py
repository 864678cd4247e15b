"""Ingest lives through everything that can lie in its inbox, and that can come in by its doors."""

import json
import os
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwatch.contracts.topics import RECEIVED, dead_letters
from segwatch.errors import RefusedVolume, Unprocessable
from segwatch.streaming.embedded.log import EmbeddedLog
from segwatch.streaming.runtime import Runtime, start
from segwatch.streaming.topics import make_hospital_topics
from services.ingest import __main__ as ingest
from services.ingest.case import read_case
from services.ingest.inbox import Inbox
from services.ingest.multipart import BadRequest, Parts
from services.ingest.settings import IngestSettings
from services.ingest.spool import Spool
from services.ingest.stow_part import Stored, StowPart, answer, status_of
from tests.integration.fuzz.looked_at import EXAMPLES, MOST_MORE_BYTES, looked_at, peak
from tests.support.folders import made
from tests.support.fuzz_cases import NAMES, dicoms, identities, nifti_of, niftis
from tests.support.images import little_ct
from tests.support.senders import by
from tests.support.streaming import eventually, read_all

pytestmark = [pytest.mark.slow, pytest.mark.timeout(0 if EXAMPLES else 300)]
BATCH = 15
Files = dict[str, bytes]
TYPE = 'multipart/related; type="application/dicom"; boundary=edge'


def _good() -> bytes:
    with TemporaryDirectory() as folder:
        return nifti_of(little_ct(), Path(folder))


GOOD = _good()
NIFTI_CASES: st.SearchStrategy[Files] = st.one_of(
    niftis(GOOD).map(lambda ct: {"ct.nii.gz": ct}),
    st.tuples(st.sampled_from(["lung.nii.gz", "lesion_predicted.nii.gz"]), niftis(GOOD)).map(
        lambda mask: {"ct.nii.gz": GOOD, mask[0]: mask[1]}
    ),
)
DICOM_CASES: st.SearchStrategy[Files] = dicoms(little_ct()).map(
    lambda files: {f"{number:03}.dcm": data for number, data in enumerate(files)}
)
SAID_CASES: st.SearchStrategy[Files] = st.tuples(
    st.sampled_from(["study.json", ".arrived-by"]), identities()
).map(lambda said: {"ct.nii.gz": GOOD, said[0]: said[1]})


def write(folder: Path, files: Files) -> Path:
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


CASES = {"NIfTI": (NIFTI_CASES, 150), "DICOM": (DICOM_CASES, 150), "said": (SAID_CASES, 80)}


@pytest.mark.parametrize("kind", CASES)
def test_every_case_is_read_or_refused_by_name(kind: str) -> None:
    cases, few = CASES[kind]
    before, seen = peak(), Counter[str]()

    @looked_at(few)
    @given(files=cases)
    def look(files: Files) -> None:
        with TemporaryDirectory() as folder:
            try:
                read_case(write(Path(folder, "case"), files), "auto")
            except Unprocessable as error:
                seen[error.kind] += 1
            else:
                seen["read"] += 1

    look()
    print(seen)
    assert seen["read"] > few / 20
    assert seen.total() - seen["read"] > few / 8, "the fuzz is not tame"
    assert peak() - before < MOST_MORE_BYTES


def test_every_instance_off_the_network_is_kept_or_refused(tmp_path: Path) -> None:
    spool = Spool(Inbox(tmp_path))
    seen = Counter[str]()

    @looked_at(60)
    @given(files=dicoms(little_ct()))
    def look(files: list[bytes]) -> None:
        for data in files:
            try:
                spool.take(data, by(spool))
            except RefusedVolume as error:
                seen[error.kind] += 1
            else:
                seen["kept"] += 1

    look()
    assert len(seen) > 1
    assert not any((tmp_path / ".arriving").iterdir())


def test_every_request_body_is_taken_apart_or_refused(tmp_path: Path) -> None:
    spool = Spool(Inbox(tmp_path))
    seen = Counter[str]()
    edges = [b"--edge\r\n", b"--edge--\r\n", b"--edge", b"--", b"\r\n", b"\n", b"\r", b"\r\n\r\n"]
    more = [b"Content-Type: application/dicom", b":", b"x" * 70_000, b"\x00\xff", GOOD]
    piece = st.sampled_from([*edges, *edges, *more])
    kinds = st.sampled_from(
        [TYPE, TYPE, TYPE, "", "text/html", "multipart/related", TYPE[:-4], TYPE + "\xff;;="]
    )

    @looked_at(200)
    @given(kind=kinds, pieces=st.lists(st.one_of(piece, st.binary(max_size=30)), max_size=12))
    def look(kind: str, pieces: Sequence[bytes]) -> None:
        done: list[Stored] = []
        try:
            parts = Parts(kind, lambda: StowPart(spool, by(spool, "stow-rs"), None, done))
            try:
                for data in pieces:
                    parts.feed(data)
                parts.finish()
            finally:
                parts.close()
        except BadRequest as error:
            seen[str(error.status)] += 1
        else:
            json.dumps(answer(done))
            seen[str(status_of(done))] += 1

    look()
    assert {"400", "415"} <= set(seen)
    assert not any((tmp_path / ".arriving").iterdir())


def test_ingest_lives_through_every_entry_of_its_inbox(tmp_path: Path) -> None:
    before, seen = peak(), Counter[str]()
    numbers = iter(range(10**6))

    @looked_at(6)
    @given(
        entries=st.lists(
            st.tuples(NAMES, st.one_of(NIFTI_CASES, DICOM_CASES, SAID_CASES)), min_size=BATCH, max_size=BATCH
        )
    )
    def look(entries: list[tuple[bytes, Files]]) -> None:
        folder = made(tmp_path / f"{next(numbers)}")
        taken = drop(folder, [*entries, (b"good", {"ct.nii.gz": GOOD})])
        with running(folder) as runtime:
            receipts = folder / "inbox" / ".receipts"
            eventually(lambda: len(list(receipts.glob("*.json"))) == len(taken), seconds=60)
            eventually(lambda: not taken & {path.name for path in (folder / "inbox").iterdir()})
            letters = read_all(runtime.log, dead_letters(RECEIVED))
            told = [json.loads(path.read_text()) for path in receipts.glob("*.json")]
        kinds = [each["kind"] for each in told if each["outcome"] == "rejected"]
        assert Counter(dict(each.headers)["dlq_error"].decode() for each in letters) == Counter(kinds)
        assert not [kind for kind in kinds if kind.startswith(("unexpected", "crashes"))]
        assert next(each for each in told if each["case"] == "good")["outcome"] != "rejected"
        seen.update(each["outcome"] for each in told)

    look()
    print(seen)
    assert set(seen) == {"announced", "duplicate", "new_version", "rejected"}
    assert peak() - before < MOST_MORE_BYTES


def drop(folder: Path, entries: Sequence[tuple[bytes, Files]]) -> set[str]:
    """Put the entries into the inbox that can be there; their names."""
    inbox = made(folder / "inbox")
    taken = set()
    for raw, files in entries:
        name = os.fsdecode(raw)
        if files and not name.startswith(".") and name not in taken:
            write(inbox / name, files)
            taken.add(name)
    return taken


@contextmanager
def running(folder: Path) -> Iterator[Runtime[Any]]:
    """Ingest, as it runs, on an inbox in the folder."""
    (folder / "secret").write_bytes(b"a secret of enough bytes")
    log_file = folder / "log.db"
    with EmbeddedLog(log_file) as log:
        make_hospital_topics(log)
    told = {
        "log": "embedded",
        "log_file": log_file,
        "http_host": "127.0.0.1",
        "http_port": 0,
        "inbox": folder / "inbox",
        "store": str(made(folder / "store")),
        "pseudonym_secret_file": folder / "secret",
        "quiet_seconds": 0.0,
    }
    with start("ingest", IngestSettings.model_validate(told), ingest.doors) as runtime:
        service = threading.Thread(target=ingest.run, args=(runtime,))
        service.start()
        try:
            yield runtime
            assert service.is_alive()
        finally:
            runtime.stop.set()
            service.join(30)
