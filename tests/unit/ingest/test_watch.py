"""The loop over the inbox, on the embedded log: what becomes of an entry, whatever happens."""

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import XRayRadiationDoseSRStorage

from segwatch.contracts.envelope import decode
from segwatch.contracts.topics import RECEIVED, dead_letters
from segwatch.errors import LogUnavailable, StoreUnavailable
from segwatch.files import whole_folder
from segwatch.streaming.log import Outgoing, Producer, Record
from segwatch.streaming.runtime import Runtime
from segwatch.volumes.store import VolumeStore
from services.ingest.case import CaseFiles, InputUnavailable
from services.ingest.handler import Ingest, Prepared
from services.ingest.inbox import Inbox
from services.ingest.settings import IngestSettings
from services.ingest.watch import MOST_CRASHES
from tests.support.images import dicom_slices, little_ct, save_all
from tests.support.streaming import eventually, read_all
from tests.support.watched_inbox import announced, gone, receipt, watching

SECRET = b"a secret of enough bytes"


@dataclass(frozen=True)
class Faulty(Ingest):
    """Ingest that fails as often as it is told to, for the entry it is told."""

    faults: dict[str, list[BaseException]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)

    def prepare(self, files: CaseFiles) -> Prepared:
        name = files.folder.name
        self.seen.append(name)
        if self.faults.get(name):
            raise self.faults[name].pop(0)
        return super().prepare(files)


@pytest.fixture
def ingest(settings) -> Faulty:
    return Faulty(VolumeStore(settings().store), SECRET)


def marks(record: Record) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers if name.startswith("dlq_")}


def value(runtime: Runtime[IngestSettings], name: str, **labels: str) -> float | None:
    return runtime.telemetry.registry.get_sample_value(name, labels)


def test_a_case_is_announced_once_and_leaves_a_receipt(runtime, inbox, ingest, write_case):
    with watching(runtime, inbox, ingest):
        write_case("case", lung=little_ct().array > -950)
        left = receipt(inbox, "case")
        gone(inbox, "case")
        eventually(lambda: value(runtime, "segwatch_ingest_waiting") == 0)
    (record,) = announced(runtime)
    event = decode(RECEIVED, record.key, record.value, record.headers)
    assert (left["case"], left["study"], left["outcome"]) == ("case", event.key, "announced")
    np.testing.assert_array_equal(ingest.store.load_volume(event.data.ct), little_ct().array)
    assert value(runtime, "segwatch_ingest_studies_total", outcome="announced") == 1
    assert value(runtime, "segwatch_stage_messages_total", stage="ingest", outcome="done") == 1


def test_cases_are_taken_in_the_order_of_their_names(runtime, inbox, ingest, write_case):
    for number in (3, 1, 2):
        write_case(f"case {number}", little_ct(number))
    with watching(runtime, inbox, ingest):
        gone(inbox, "case 1", "case 2", "case 3")
    assert ingest.seen == ["case 1", "case 2", "case 3"]


def test_the_same_study_again_is_a_duplicate_and_not_announced(runtime, inbox, ingest, write_case):
    with watching(runtime, inbox, ingest):
        write_case("a")
        gone(inbox, "a")
        write_case("b")
        assert receipt(inbox, "b")["outcome"] == "duplicate"
        gone(inbox, "b")
    assert len(announced(runtime)) == 1
    assert value(runtime, "segwatch_ingest_studies_total", outcome="duplicate") == 1


def test_a_bad_case_is_dead_lettered_and_kept_and_the_others_go_on(runtime, inbox, ingest, write_case):
    broken = write_case("a bad one")
    (broken / "ct.nii.gz").write_bytes((broken / "ct.nii.gz").read_bytes()[:-4])
    write_case("b good one")
    with watching(runtime, inbox, ingest):
        gone(inbox, "a bad one", "b good one")
        bad, good = receipt(inbox, "a bad one"), receipt(inbox, "b good one")
    assert (bad["outcome"], bad["kind"], good["outcome"]) == ("rejected", "truncated_file", "announced")
    assert (inbox.root / ".rejected" / "a bad one" / "ct.nii.gz").is_file()
    (letter,) = read_all(runtime.log, dead_letters(RECEIVED))
    assert marks(letter)["dlq_error"] == "truncated_file"
    assert marks(letter)["dlq_stage"] == "ingest"
    assert letter.value == b'{"entry": "a bad one"}'
    assert value(runtime, "segwatch_ingest_studies_total", outcome="rejected") == 1
    assert value(runtime, "segwatch_dead_letters_total", stage="ingest", error="truncated_file") == 1


@pytest.mark.parametrize("name", [b"J\xf6rg", b"x" * 255])
def test_a_name_that_is_no_text_or_too_long_holds_up_nothing(runtime, inbox, ingest, write_case, name):
    write_case("good")
    os.mkdir(bytes(inbox.root) + b"/" + name)  # noqa: PTH102 - a name that is no text
    Path(os.fsdecode(bytes(inbox.root) + b"/" + name + b"/ct.nii.gz")).write_bytes(b"no volume")
    with watching(runtime, inbox, ingest):
        gone(inbox, "good", os.fsdecode(name))
    (letter,) = read_all(runtime.log, dead_letters(RECEIVED))
    assert (inbox.root / ".rejected" / os.fsdecode(letter.key)).is_dir()


def test_an_examination_whose_only_ct_is_damaged_says_how_and_not_that_no_rule_is_met(runtime, inbox, ingest):
    slices = dicom_slices(little_ct())
    report = dicom_slices(little_ct(8))[0]
    report.SOPClassUID, report.StudyInstanceUID = XRayRadiationDoseSRStorage, slices[0].StudyInstanceUID
    for each in slices:
        del each.RescaleSlope
    with whole_folder(inbox.root / "case") as hidden:
        save_all(slices, hidden / "ct")
        save_all([report], hidden / "report")
    with watching(runtime, inbox, ingest):
        assert receipt(inbox, "case")["kind"] == "no_rescale"


def test_a_rejected_case_that_is_put_back_mended_is_announced(runtime, inbox, ingest, write_case):
    folder = write_case("case")
    whole = (folder / "ct.nii.gz").read_bytes()
    (folder / "ct.nii.gz").write_bytes(whole[:-4])
    with watching(runtime, inbox, ingest):
        gone(inbox, "case")
        rejected = inbox.root / ".rejected" / "case"
        eventually(rejected.is_dir)
        (rejected / "ct.nii.gz").write_bytes(whole)
        rejected.rename(folder)
        eventually(lambda: receipt(inbox, "case")["outcome"] == "announced")
    assert len(announced(runtime)) == 1


def test_a_case_that_grows_is_not_taken_before_it_is_still(runtime, inbox, ingest):
    slices = dicom_slices(little_ct())
    with watching(runtime, inbox, ingest, quiet_seconds=2):
        for count in (1, 2, 3):
            save_all(slices[:count], inbox.root / "case")
        assert receipt(inbox, "case")["outcome"] == "announced"
    (record,) = announced(runtime)
    assert decode(RECEIVED, record.key, record.value, record.headers).data.geometry.shape_zyx == (3, 4, 5)


def test_what_changes_while_it_is_read_is_read_again(runtime, inbox, settings, write_case):
    class Growing(Faulty):
        def prepare(self, files: CaseFiles) -> Prepared:
            prepared = super().prepare(files)
            if len(self.seen) == 1:
                (files.folder / "study.json").write_text('{"study": "late"}')
            return prepared

    ingest = Growing(VolumeStore(settings().store), SECRET)
    write_case("case")
    with watching(runtime, inbox, ingest):
        gone(inbox, "case")
    assert ingest.seen == ["case", "case"]
    assert len(announced(runtime)) == 1


def test_slices_that_come_after_the_announcement_make_a_new_version(runtime, inbox, ingest):
    slices = dicom_slices(little_ct())
    with watching(runtime, inbox, ingest):
        for part in (slices[:2], slices[2:]):
            gone(inbox, "case")
            save_all(part, inbox.root / ".tmp-case")
            (inbox.root / ".tmp-case").rename(inbox.root / "case")
        eventually(lambda: receipt(inbox, "case")["outcome"] == "new_version")
        gone(inbox, "case")
    part, whole = (decode(RECEIVED, each.key, each.value, each.headers) for each in announced(runtime))
    assert (part.data.geometry.shape_zyx[0], whole.data.geometry.shape_zyx[0]) == (2, 3)
    assert part.key == whole.key
    assert (whole.data.arrival.version, whole.data.arrival.replaces) == (2, part.id)


def test_a_later_part_that_spoils_its_series_is_rejected_alone(runtime, inbox, ingest):
    """What was announced of it lies elsewhere by then, and stays there."""
    spoilt, other = dicom_slices(little_ct()), dicom_slices(little_ct(8))
    del spoilt[2].RescaleSlope
    with watching(runtime, inbox, ingest):
        for parts in ([spoilt[:2]], [spoilt[2:], other]):
            gone(inbox, "case")
            for number, part in enumerate(parts):
                save_all(part, inbox.root / ".tmp-case" / str(number))
            (inbox.root / ".tmp-case").rename(inbox.root / "case")
        eventually(lambda: receipt(inbox, "case")["outcome"] == "rejected")
        gone(inbox, "case")

    assert len(announced(runtime)) == 2
    assert len(list((inbox.root / ".rejected").rglob("*.dcm"))) == 1
    assert len(list((inbox.root / ".announced").rglob("*.dcm"))) == 2 + len(other)


def test_a_store_that_is_away_is_waited_for_and_nothing_is_rejected(runtime, inbox, ingest, write_case):
    ingest.faults["case"] = [StoreUnavailable("away")] * 9
    write_case("case")
    with watching(runtime, inbox, ingest):
        gone(inbox, "case")
        assert receipt(inbox, "case")["outcome"] == "announced"
    assert read_all(runtime.log, dead_letters(RECEIVED)) == []
    assert value(runtime, "segwatch_stage_retries_total", stage="ingest", error="StoreUnavailable") == 9
    assert not (inbox.root / ".attempts" / "case").exists()


class Unreliable:
    """A producer whose log is away now and then: before the record lies there, and after."""

    def __init__(self, producer: Producer, fails: Sequence[str]) -> None:
        self._producer, self._fails = producer, list(fails)

    def send(self, records: Sequence[Outgoing]):
        fails = self._fails.pop(0) if self._fails else ""
        if fails == "before":
            raise LogUnavailable("away")
        places = self._producer.send(records)
        if fails == "after":
            raise LogUnavailable("the acknowledgement did not come")
        return places

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._producer.close()


def test_a_log_that_is_away_loses_nothing_and_copies_bear_one_id(runtime, inbox, ingest, write_case):
    producer = Unreliable(runtime.log.producer(), ["before", "after", "before"])
    write_case("case")
    with watching(runtime, inbox, ingest, producer):
        gone(inbox, "case")
    records = announced(runtime)
    assert len(records) == 2
    assert len({dict(record.headers)["ce_id"] for record in records}) == 1


def test_a_dead_letter_that_cannot_be_sent_keeps_the_case_in_the_inbox(runtime, inbox, ingest, write_case):
    (write_case("case") / "ct.nii.gz").write_bytes(b"no image")
    producer = Unreliable(runtime.log.producer(), ["before", "before"])
    with watching(runtime, inbox, ingest, producer):
        gone(inbox, "case")
    assert len(read_all(runtime.log, dead_letters(RECEIVED))) == 1


def test_an_unexpected_error_is_tried_again_and_then_rejected(runtime, inbox, ingest, write_case):
    ingest.faults.update({"a": [ZeroDivisionError()] * 2, "b": [ZeroDivisionError()] * 3})
    for number, name in enumerate("ab"):
        write_case(name, little_ct(number))
    with watching(runtime, inbox, ingest):
        gone(inbox, "a", "b")
        a, b = receipt(inbox, "a"), receipt(inbox, "b")
    assert (a["outcome"], b["kind"]) == ("announced", "unexpected_ZeroDivisionError")
    (letter,) = read_all(runtime.log, dead_letters(RECEIVED))
    assert marks(letter)["dlq_attempts"] == "3"


def test_a_case_that_fails_again_and_again_does_not_hold_up_the_next(runtime, inbox, ingest, write_case):
    ingest.faults["a"] = [InputUnavailable("no right to read it")] * 100_000
    write_case("a", little_ct(1))
    write_case("b", little_ct(2))
    with watching(runtime, inbox, ingest):
        gone(inbox, "b")
        eventually(lambda: ingest.seen.count("a") > 4)
    assert (inbox.root / "a" / "ct.nii.gz").is_file()
    assert read_all(runtime.log, dead_letters(RECEIVED)) == []


def test_a_case_that_killed_the_process_comes_last_and_in_the_end_is_rejected(
    runtime, inbox, ingest, write_case
):
    for number, name in enumerate("abc"):
        write_case(name, little_ct(number))
    inbox.begin_attempt("b")
    for _ in range(MOST_CRASHES):
        inbox.begin_attempt("a")
    with watching(runtime, inbox, ingest):
        gone(inbox, "a", "b", "c")
        assert receipt(inbox, "a")["kind"] == "crashes_ingest"
    assert ingest.seen == ["c", "b"]
    assert list((inbox.root / ".attempts").iterdir()) == []


def test_asked_to_stop_a_case_that_takes_long_is_handed_back(runtime, inbox, settings, write_case):
    begun, release = threading.Event(), threading.Event()

    class Slow(Ingest):
        def prepare(self, files: CaseFiles) -> Prepared:
            begun.set()
            release.wait(20)
            return super().prepare(files)

    write_case("case")
    try:
        with watching(runtime, inbox, Slow(VolumeStore(settings().store), SECRET)):
            assert begun.wait(20)
    finally:
        release.set()
    assert (inbox.root / "case" / "ct.nii.gz").is_file()
    assert announced(runtime) == []
    assert list((inbox.root / ".attempts").iterdir()) == []


def test_an_inbox_that_vanishes_is_waited_for(runtime, inbox: Inbox, ingest, write_case):
    away = inbox.root.with_name("away")
    with watching(runtime, inbox, ingest):
        inbox.root.rename(away)
        eventually(
            lambda: bool(
                value(runtime, "segwatch_stage_retries_total", stage="ingest", error="FileNotFoundError")
            )
        )
        away.rename(inbox.root)
        write_case("case")
        gone(inbox, "case")
    assert len(announced(runtime)) == 1


def test_with_the_store_away_its_door_stays_open_since_studies_can_wait(runtime, inbox, ingest, write_case):
    seen: list[bool] = []
    told: Callable[[bool], None] = runtime.ready
    runtime.ready = lambda yes: (seen.append(yes), told(yes))[1]
    ingest.faults["case"] = [StoreUnavailable("away")] * 2
    write_case("case")
    with watching(runtime, inbox, ingest):
        gone(inbox, "case")
    assert value(runtime, "segwatch_stage_retries_total", stage="ingest", error="StoreUnavailable") == 2
    assert seen
    assert all(seen)


def test_an_inbox_that_comes_back_bare_makes_it_ready_again_without_a_study(
    runtime, inbox: Inbox, ingest, write_case
):
    away = inbox.root.with_name("away")
    with watching(runtime, inbox, ingest):
        eventually(runtime._ready.is_set)
        inbox.root.rename(away)
        eventually(lambda: not runtime._ready.is_set())
        inbox.root.mkdir()
        eventually(runtime._ready.is_set)
        write_case("case")
        gone(inbox, "case")
    assert receipt(inbox, "case")["outcome"] == "announced"


def test_the_age_of_the_oldest_entry_is_shown(runtime, inbox: Inbox, ingest):
    (inbox.root / "empty").mkdir()
    with watching(runtime, inbox, ingest):
        eventually(lambda: (value(runtime, "segwatch_ingest_oldest_seconds") or 0) > 0.1)
        (inbox.root / "empty").rmdir()
        eventually(lambda: value(runtime, "segwatch_ingest_oldest_seconds") == 0)
