from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from segwatch.contracts.envelope import encode
from segwatch.contracts.identity import pseudonym
from segwatch.contracts.topics import RECEIVED
from segwatch.errors import StoreUnavailable, Unprocessable
from segwatch.volumes.image import Volume
from segwatch.volumes.store import VolumeStore
from services.ingest.handler import Ingest
from tests.support.folders import made
from tests.support.images import little_ct

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SECRET = b"a secret of enough bytes"


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    return Ingest(VolumeStore(made(tmp_path / "store")), SECRET, now=lambda: NOW)


def test_a_case_is_stored_and_announced_under_pseudonyms(ingest: Ingest, write_case):
    ct = little_ct()
    folder = write_case("Doe Jane", ct, lesion_predicted=ct.array > -950)
    (folder / "study.json").write_text('{"study": "1.2.3"}')
    event = ingest.prepare(folder).event
    assert event is not None
    assert (event.type, event.key, event.time) == (RECEIVED, pseudonym(SECRET, "study", "1.2.3"), NOW)
    assert event.data.patient == pseudonym(SECRET, "patient", "Doe Jane")
    assert event.correlation == event.id
    np.testing.assert_array_equal(ingest.store.load_volume(event.data.ct), ct.array)
    np.testing.assert_array_equal(ingest.store.load_mask(event.data.lesion), ct.array > -950)
    assert event.data.lung is None
    assert event.data.geometry == ct.geometry
    written = repr(encode(event))
    assert "Doe" not in written
    assert "1.2.3" not in written


def test_an_announced_study_is_a_duplicate_from_then_on(ingest: Ingest, write_case):
    first = ingest.prepare(write_case("a"))
    ingest.remember(first)
    second = ingest.prepare(write_case("b"))
    assert second.event is None
    assert second.study == first.study


def test_a_study_that_may_not_have_been_announced_is_announced_under_the_same_id(ingest: Ingest, write_case):
    first, second = (ingest.prepare(write_case(name)) for name in "ab")
    assert first.event
    assert second.event
    assert first.event.id == second.event.id


def test_a_study_that_comes_back_with_another_ct_is_refused(ingest: Ingest, write_case):
    for folder in (write_case("a", little_ct(1)), write_case("b", little_ct(2))):
        (folder / "study.json").write_text('{"study": "1.2.3"}')
    ingest.remember(ingest.prepare(folder.with_name("a")))
    with pytest.raises(Unprocessable, match="announced before") as caught:
        ingest.prepare(folder)
    assert caught.value.kind == "study_changed"


def test_a_study_that_comes_back_in_another_unit_is_refused(ingest: Ingest, write_case):
    grey = Volume(np.abs(little_ct().array + 900), little_ct().geometry)
    folder = write_case("a", grey)
    ingest.remember(ingest.prepare(folder))
    with pytest.raises(Unprocessable) as caught:
        Ingest(ingest.store, SECRET, "display").prepare(folder)
    assert caught.value.kind == "study_changed"


def test_two_hospitals_have_different_pseudonyms_for_one_person(ingest: Ingest, write_case, tmp_path: Path):
    folder = write_case("a")
    other = Ingest(VolumeStore(made(tmp_path / "other")), b"another secret of theirs")
    ours, theirs = (each.prepare(folder).event for each in (ingest, other))
    assert ours
    assert theirs
    assert (ours.data.patient, ours.key) != (theirs.data.patient, theirs.key)


def test_a_store_that_is_away_is_transient(write_case, tmp_path: Path):
    ingest = Ingest(VolumeStore(made(tmp_path / "store")), SECRET)
    (tmp_path / "store").rmdir()
    with pytest.raises(StoreUnavailable):
        ingest.prepare(write_case("a"))
