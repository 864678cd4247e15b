"""The hospital's own mask through ingest's inbox: before its CT, after it, never, twice."""

import numpy as np
import pytest
from pydicom.uid import generate_uid

from segwatch.contracts.base import Geometry
from segwatch.ingest.inbox import put_back
from segwatch.volumes.image import Volume
from segwatch.volumes.store import VolumeStore
from services.ingest.examination import NotComplete
from services.ingest.handler import Ingest
from services.ingest.patience import Patience
from services.ingest.spool import entry_of
from tests.support.dicom_masks import contours, saved, segmentation
from tests.support.images import dicom_slices, save_all
from tests.support.streaming import eventually
from tests.support.watched_inbox import announced, gone, receipt, refusals, studies, watching

GEOMETRY = Geometry(
    shape_zyx=(12, 20, 18),
    spacing_zyx_mm=(2.5, 0.75, 0.5),
    origin_xyz_mm=(-120.5, 30.25, 1000.0),
    direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
)
CT = Volume(np.zeros(GEOMETRY.shape_zyx, np.int16), GEOMETRY)
LESION = np.zeros(GEOMETRY.shape_zyx, np.bool_)
LESION[3:6, 4:9, 5:12] = True
SECOND = np.roll(LESION, 2, axis=2)
LONG = 1e6


@pytest.fixture
def slices():
    return dicom_slices(CT)


@pytest.fixture
def ingest(settings):
    return Ingest(VolumeStore(settings().store), b"a secret of enough bytes")


@pytest.fixture
def put(inbox, tmp_path, slices):
    """Puts a CT, or a mask of it, into the inbox as one entry."""

    def put_entry(name, mask=None, make=segmentation, day="20260101"):
        hidden = tmp_path / f"made {name}"
        if mask is None:
            save_all(slices, hidden)
        else:
            hidden.mkdir()
            made = make(slices, {"lesion": mask}, GEOMETRY)
            made.ContentDate = made.StructureSetDate = day
            saved(made, hidden / "m.dcm")
        hidden.rename(inbox.root / name)

    return put_entry


def lesion(ingest, study):
    return ingest.store.load_mask(study.lesion)


def waits_for_its_mask(inbox, watch, name):
    """Wait until the entry was looked at, and is still there."""
    eventually(lambda: inbox.root / name in watch.intake.patience._since)
    assert (inbox.root / name).is_dir()


@pytest.mark.parametrize("make", [segmentation, contours])
def test_a_mask_that_comes_before_its_ct_is_its_mask(runtime, inbox, ingest, put, make):
    with watching(runtime, inbox, ingest):
        put("mask", LESION, make)
        assert receipt(inbox, "mask")["outcome"] == "set_aside"
        gone(inbox, "mask")
        put("ct")
        gone(inbox, "ct")
    (event,) = studies(runtime)
    np.testing.assert_array_equal(lesion(ingest, event.data), LESION)
    assert refusals(runtime) == []


def test_a_mask_that_comes_within_the_wait_is_announced_with_its_ct(runtime, inbox, ingest, put):
    with watching(runtime, inbox, ingest, patience=Patience(LONG)) as watch:
        put("ct")
        waits_for_its_mask(inbox, watch, "ct")
        assert announced(runtime) == []
        put("mask", LESION)
        gone(inbox, "ct", "mask")
    (event,) = studies(runtime)
    np.testing.assert_array_equal(lesion(ingest, event.data), LESION)


def test_a_mask_that_comes_after_the_study_went_on_makes_a_new_version(runtime, inbox, ingest, put):
    with watching(runtime, inbox, ingest):
        put("ct")
        gone(inbox, "ct")
        put("mask", LESION)
        gone(inbox, "mask")
        assert receipt(inbox, "mask")["outcome"] == "new_version"
    without, with_mask = studies(runtime)
    assert without.data.lesion is None
    assert (with_mask.key, with_mask.data.arrival.version) == (without.key, 2)
    assert with_mask.data.arrival.replaces == without.id
    np.testing.assert_array_equal(lesion(ingest, with_mask.data), LESION)


def test_a_second_mask_is_a_new_version_and_an_older_one_is_not(runtime, inbox, ingest, put):
    with watching(runtime, inbox, ingest):
        put("ct")
        gone(inbox, "ct")
        for name, mask, day in (
            ("b", LESION, "20260102"),
            ("c", SECOND, "20260103"),
            ("d", LESION, "20260101"),
        ):
            put(name, mask, day=day)
            gone(inbox, name)
        assert receipt(inbox, "d")["outcome"] == "duplicate"
    _, first, second = studies(runtime)
    np.testing.assert_array_equal(lesion(ingest, first.data), LESION)
    np.testing.assert_array_equal(lesion(ingest, second.data), SECOND)
    assert second.data.arrival.replaces == first.id


@pytest.mark.parametrize(("without", "no_mask"), [("model", False), ("no_mask", True)])
def test_where_no_mask_comes_the_study_goes_on_as_the_site_says(
    runtime, inbox, ingest, put, without, no_mask
):
    with watching(runtime, inbox, ingest, patience=Patience(0, without)):
        put("ct")
        gone(inbox, "ct")
    (event,) = studies(runtime)
    arrival = event.data.arrival
    assert event.data.lesion is None
    assert bool(arrival and arrival.no_mask) == no_mask


def test_where_the_site_waits_for_masks_a_ct_without_one_stays(runtime, inbox, ingest, put):
    with watching(runtime, inbox, ingest, patience=Patience(0, "wait")) as watch:
        put("ct")
        waits_for_its_mask(inbox, watch, "ct")
        with pytest.raises(NotComplete):
            watch.intake.take(inbox.root / "ct", "forced")
    assert announced(runtime) == []
    assert (inbox.root / "ct").is_dir()


def test_a_mask_that_never_finds_its_ct_is_refused_by_name_and_not_lost(runtime, inbox, ingest, put, slices):
    entry = entry_of(str(slices[0].StudyInstanceUID))
    with watching(runtime, inbox, ingest, announced_hours=0) as watch:
        put("mask", LESION)
        gone(inbox, "mask")
        watch.retention._swept = float("-inf")  # its minute is over
        assert receipt(inbox, entry)["kind"] == "mask_without_ct"
        eventually(lambda: not list((inbox.root / ".announced").iterdir()))
    assert refusals(runtime) == ["mask_without_ct"]
    (file,) = (inbox.root / ".rejected").rglob("*.dcm")
    assert file.stat().st_size > 0


def test_a_refused_mask_that_is_put_back_joins_the_ct_that_came_at_last(runtime, inbox, ingest, put, slices):
    entry = entry_of(str(slices[0].StudyInstanceUID))
    put("mask", LESION)
    with watching(runtime, inbox, ingest) as watch:
        gone(inbox, "mask")
        watch._refuse_masks_alone(inbox.root / ".announced" / entry)
        put("ct")
        gone(inbox, "ct")
        (rejected,) = (inbox.root / ".rejected").iterdir()
        put_back(inbox.root, rejected.name)
        gone(inbox, rejected.name)
    without, with_mask = studies(runtime)
    assert without.data.lesion is None
    np.testing.assert_array_equal(lesion(ingest, with_mask.data), LESION)


def test_images_and_masks_of_studies_leave_without_a_letter(runtime, inbox, ingest, put):
    put("ct")
    with watching(runtime, inbox, ingest) as watch:
        gone(inbox, "ct")
        put("mask", LESION)
        gone(inbox, "mask")
        (folder,) = (inbox.root / ".announced").iterdir()
        assert watch.intake.examinations.masks_alone(folder) == []
        assert len(list(folder.rglob("*.dcm"))) == len(CT.array) + 1
    assert refusals(runtime) == []


def test_a_mask_of_another_series_of_a_study_is_alone(runtime, inbox, ingest, put, slices):
    put("ct")
    with watching(runtime, inbox, ingest) as watch:
        gone(inbox, "ct")
        (folder,) = (inbox.root / ".announced").iterdir()
        slices[0].SeriesInstanceUID = generate_uid()
        stray = saved(contours(slices, {"lesion": LESION}, GEOMETRY), folder / "stray.dcm")
        assert watch.intake.examinations.masks_alone(folder) == [stray]
