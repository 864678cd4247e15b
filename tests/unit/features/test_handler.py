"""The stage's handler on real events, and the whole service on an embedded log."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from segwatch.contracts.base import Geometry
from segwatch.contracts.envelope import Event, decode, encode
from segwatch.contracts.studies import StudySegmented
from segwatch.contracts.topics import MEASURED, SEGMENTED
from segwatch.errors import CorruptObject, MissingObject, RefusedVolume
from segwatch.features.kernels.masks import BinaryMask
from segwatch.features.measuring import measure
from segwatch.features.profiles import options
from segwatch.features.registry import ALL, FEATURES, PAPER4, feature
from segwatch.features.scene import NativeMask
from segwatch.volumes.grid import grid_geometry, resample_mask
from segwatch.volumes.store import VolumeStore
from services.features.handler import Measuring
from services.features.metrics import FeaturesMetrics
from tests.support.folders import made

NOW = datetime(2026, 3, 2, 9, 31, tzinfo=UTC)
NATIVE = Geometry(
    shape_zyx=(24, 32, 64),
    spacing_zyx_mm=(2.0, 3.0, 3.0),
    origin_xyz_mm=(0.0, 0.0, 0.0),
    direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
)
SHAPE = (10, 32, 64)
GRID = grid_geometry(NATIVE, SHAPE)


@pytest.fixture
def arrays():
    z, y, x = np.ogrid[:24, :32, :64]
    native = ((z - 9) / 5) ** 2 + ((y - 15) / 6) ** 2 + ((x - 40) / 9) ** 2 < 1
    lung = ((z - 12) / 11) ** 2 + ((y - 16) / 15) ** 2 + ((x - 32) / 30) ** 2 < 1
    ct = np.random.default_rng(0).integers(-1000, 100, SHAPE).astype(np.int16)
    return ct, native, resample_mask(native, SHAPE), resample_mask(lung, SHAPE)


@pytest.fixture
def store(tmp_path):
    return VolumeStore(made(tmp_path / "store"))


@pytest.fixture
def study(store, arrays):
    ct, native, lesion, lung = arrays
    on_grid = store.save_volume(ct)
    return StudySegmented(
        study="5" * 32,
        patient="9" * 32,
        received_at=NOW,
        ct_unit="hu",
        geometry=NATIVE,
        grid=GRID,
        ct=on_grid,
        lesion=store.save_mask(native),
        lung=None,
        ct_on_grid=on_grid,
        lesion_on_grid=store.save_mask(lesion),
        lung_on_grid=store.save_mask(lung),
        lesion_source="nnunet",
        lung_method="lungmask",
        model=None,
    )


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def measuring(store, registry):
    return Measuring(store, options(), FEATURES, FeaturesMetrics(registry), now=lambda: NOW)


def event_of(study):
    event = Event(
        id="c" * 32,
        type=SEGMENTED,
        key=study.study,
        source="/segmentation",
        time=NOW,
        data=study,
        correlation="w",
    )
    return decode(SEGMENTED, *encode(event))


def handled(measuring, study):
    (event,) = measuring.handle(event_of(study))
    return decode(MEASURED, *encode(event))


def test_a_segmented_study_becomes_one_measured_study_that_can_be_read_back(measuring, study, arrays):
    event = handled(measuring, study)
    ct, native, lesion, lung = arrays
    given = NativeMask(BinaryMask(native.view(np.uint8)), NATIVE.spacing_zyx_mm)
    wanted = measure(ct, lesion, lung, GRID.spacing_zyx_mm, features=ALL, native=given)
    assert event.data.features == wanted.features
    assert event.data.undefined == wanted.undefined
    assert event.data.status == "measured"
    assert event.data.lesion_ml == pytest.approx(native.sum() * 18 / 1000)
    assert (event.key, event.correlation, event.data.study) == (study.study, "w", study.study)


def test_the_same_study_again_bears_the_same_id(measuring, study):
    assert handled(measuring, study).id == handled(measuring, study).id


def test_another_reading_of_the_features_is_another_result(measuring, study):
    other = replace(measuring, options=options(components="l1"))
    fewer = replace(measuring, features=[feature(name) for name in PAPER4])
    assert len({handled(each, study).id for each in (measuring, other, fewer)}) == 3


@pytest.mark.parametrize("names", [PAPER4, (*PAPER4, "lesion_volume_ml", "edge_gradient_hu_per_mm")])
def test_measuring_fewer_features_changes_none_of_them(measuring, study, names):
    few = handled(replace(measuring, features=[feature(name) for name in names]), study).data
    all_of_them = handled(measuring, study).data
    assert few.features == {name: all_of_them.features[name] for name in names}
    assert (few.lesion_ml is None) == ("lesion_volume_ml" not in names)


def test_an_empty_mask_is_sent_on_as_empty(measuring, study, store, registry):
    nothing = store.save_mask(np.zeros(SHAPE, np.bool_))
    native = store.save_mask(np.zeros(NATIVE.shape_zyx, np.bool_))
    data = handled(measuring, study.model_copy(update={"lesion_on_grid": nothing, "lesion": native})).data
    assert data.status == "empty"
    assert data.lesion_ml == 0
    assert registry.get_sample_value("segwatch_features_studies_total", {"status": "empty"}) == 1


@pytest.mark.parametrize(("names", "has_ml"), [(PAPER4, False), (ALL, True)])
def test_a_lesion_that_resampling_lost_is_sent_on_as_partly_undefined(measuring, study, store, names, has_ml):
    nothing = store.save_mask(np.zeros(SHAPE, np.bool_))
    some = replace(measuring, features=tuple(feature(name) for name in names))
    data = handled(some, study.model_copy(update={"lesion_on_grid": nothing})).data
    assert data.status == "partly_undefined"
    assert data.undefined["connected_components"].startswith("lost_on_grid: ")
    assert (data.lesion_ml or 0) > 1 if has_ml else data.lesion_ml is None


def test_without_a_lung_the_study_is_partly_undefined(measuring, study):
    data = handled(measuring, study.model_copy(update={"lung_on_grid": None, "lung_method": "none"})).data
    assert data.status == "partly_undefined"
    assert data.undefined["lesions_within_lungs"].startswith("no_lung: ")


def test_a_ct_whose_values_mean_nothing_has_no_intensities(measuring, study):
    data = handled(measuring, study.model_copy(update={"ct_unit": "unknown"})).data
    assert data.undefined["intensity_mode"].startswith("ct_not_in_hu: ")


def test_mapped_display_values_are_measured_and_stay_marked(measuring, study):
    data = handled(measuring, study.model_copy(update={"ct_unit": "display"})).data
    assert data.features == handled(measuring, study).data.features
    assert data.ct_unit == "display"


def test_an_object_that_is_gone_is_said_to_be_missing(measuring, study, tmp_path):
    (tmp_path / "store" / study.lesion_on_grid.key).unlink()
    with pytest.raises(MissingObject):
        measuring.handle(event_of(study))


def test_a_ct_whose_bytes_changed_is_never_measured(measuring, study, tmp_path, registry):
    path = tmp_path / "store" / study.ct_on_grid.key
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(CorruptObject, match="hash"):
        measuring.handle(event_of(study))
    assert registry.get_sample_value("segwatch_features_studies_total", {"status": "measured"}) == 0


def test_arrays_of_another_shape_than_the_message_says_are_refused(measuring, study, store):
    other = store.save_mask(np.ones((3, 4, 5), np.bool_))
    with pytest.raises(CorruptObject, match="shape"):
        measuring.handle(event_of(study.model_copy(update={"lesion_on_grid": other})))


def test_a_ct_of_other_slices_or_numbers_than_the_message_says_is_refused(measuring, study, store):
    for wrong in (np.zeros((9, *SHAPE[1:]), np.int16), np.full(SHAPE, np.nan, np.float32)):
        other = store.save_volume(wrong)
        with pytest.raises(CorruptObject, match="segment the study again"):
            measuring.handle(event_of(study.model_copy(update={"ct_on_grid": other})))


def test_an_empty_mask_that_another_was_made_from_is_refused(measuring, study, store):
    native = store.save_mask(np.zeros(NATIVE.shape_zyx, np.bool_))
    with pytest.raises(RefusedVolume, match="is empty, and"):
        measuring.handle(event_of(study.model_copy(update={"lesion": native})))
