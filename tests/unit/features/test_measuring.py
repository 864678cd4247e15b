"""What `measure` gives where something is missing, and what it refuses."""

import json

import numpy as np
import pytest

from segwatch.errors import BadInput, RefusedVolume
from segwatch.features.kernels.masks import BinaryMask
from segwatch.features.measuring import measure
from segwatch.features.registry import ALL, CATALOGUE, MEASURED, PAPER4
from segwatch.features.scene import NativeMask

SPACING = (5.0, 0.7, 0.7)


@pytest.fixture
def ct():
    return np.random.default_rng(0).integers(-1000, 300, (6, 10, 12)).astype(np.int16)


@pytest.fixture
def lesion(ct):
    mask = np.zeros(ct.shape, np.bool_)
    mask[1:4, 2:6, 3:8] = True
    mask[2, 1:6, 3:9] = True
    return mask


@pytest.fixture
def lung(ct):
    mask = np.zeros(ct.shape, np.bool_)
    mask[:, 1:9, 1:11] = True
    return mask


def test_a_whole_case_is_measured(ct, lesion, lung):
    found = measure(ct, lesion, lung, SPACING, features=MEASURED)
    assert found.status == "measured"
    assert found.undefined == {name: found.undefined[name] for name in found.undefined if name not in PAPER4}


def test_values_are_plain_floats_that_json_takes(ct, lesion, lung):
    found = measure(ct, lesion, lung, SPACING, features=ALL)
    assert {type(value) for value in found.features.values()} <= {float, type(None)}
    assert json.loads(json.dumps(found.features, allow_nan=False)) == found.features


def test_every_null_has_its_reason(ct, lesion, lung):
    found = measure(ct, lesion, lung, SPACING, features=ALL)
    assert {name for name, value in found.features.items() if value is None} == set(found.undefined)


def test_an_empty_mask_is_empty_and_not_good(ct, lung):
    found = measure(ct, np.zeros(ct.shape, np.bool_), lung, SPACING, features=ALL)
    assert found.status == "empty"
    counted = {name: value for name, value in found.features.items() if value is not None}
    assert counted == {"connected_components": 0.0, "lesion_volume_ml": 0.0, "tiny_components": 0.0}


def test_a_lesion_that_resampling_lost_is_not_an_empty_mask(ct, lesion, lung):
    given = NativeMask(BinaryMask(np.ones((4, 5, 10), np.uint8)), (5.0, 1.0, 1.0))
    found = measure(ct, lesion & False, lung, SPACING, features=MEASURED, native=given)
    assert found.status == "partly_undefined"
    assert {found.features[name] for name in PAPER4} == {None}
    assert {found.undefined[name].partition(":")[0] for name in PAPER4} == {"lost_on_grid"}
    assert found.features["lesion_volume_ml"] == pytest.approx(1.0)
    assert found.features["tiny_components"] == 0


@pytest.mark.parametrize("missing", ["none", "empty"])
def test_without_a_lung_the_share_is_null_and_the_rest_is_measured(ct, lesion, missing):
    lung = None if missing == "none" else np.zeros(ct.shape, np.bool_)
    found = measure(ct, lesion, lung, SPACING)
    assert found.status == "partly_undefined"
    assert set(found.undefined) == {"lesions_within_lungs"}
    assert found.undefined["lesions_within_lungs"].startswith("no_lung: ")


def test_a_mask_wholly_outside_the_lung_is_zero_within(ct, lesion):
    lung = np.zeros(ct.shape, np.bool_)
    lung[5] = True
    found = measure(ct, lesion, lung, SPACING)
    assert found.features["lesions_within_lungs"] == 0.0


def test_one_slice_has_no_smoothness(ct, lesion, lung):
    lesion[:2], lesion[3:] = False, False
    found = measure(ct, lesion, lung, SPACING)
    assert found.status == "partly_undefined"
    assert found.undefined["segmentation_smoothness"].startswith("no_slice_pair: ")


def test_any_label_above_zero_counts(ct, lesion, lung):
    wanted = measure(ct, lesion, lung, SPACING, features=MEASURED).features
    for kind in (np.uint8, np.int8, np.int32, np.float32):
        labels = lesion.astype(kind) * 3
        assert measure(ct, labels, lung.astype(kind) * 2, SPACING, features=MEASURED).features == wanted


def test_a_negative_label_does_not_count(ct, lesion, lung):
    wanted = measure(ct, lesion, lung, SPACING).features
    labels = np.where(lesion, 1, -1).astype(np.int8)
    assert measure(ct, labels, lung, SPACING).features == wanted


@pytest.mark.parametrize("value", [0.5, np.nan, np.inf])
def test_a_mask_between_labels_is_refused(ct, lesion, lung, value):
    between = lesion.astype(np.float32)
    between[2, 3, 4] = value
    for masks in ((between, lung), (lesion, between)):
        with pytest.raises(RefusedVolume, match="between labels") as refusal:
            measure(ct, *masks, SPACING)
        assert refusal.value.kind == "not_a_mask"


@pytest.mark.parametrize("kind", [">i2", "f2", "u8"])
def test_a_ct_of_any_type_of_number_gives_the_same(ct, lesion, lung, kind):
    values = ct.astype(np.int16) + np.int16(1500 if kind == "u8" else 0)
    wanted = measure(values, lesion, lung, SPACING).features
    assert measure(values.astype(kind), lesion, lung, SPACING).features == wanted


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_a_ct_that_is_not_finite_is_refused(ct, lesion, lung, value):
    broken = ct.astype(np.float64)
    broken[0, 0, 0] = value
    with pytest.raises(RefusedVolume, match="NaN or infinite"):
        measure(broken, lesion, lung, SPACING)


@pytest.mark.parametrize(
    "spacing", [(0, 1, 1), (1, -1, 1), (1, 1, np.nan), (1, 1), (np.inf, 1, 1), (1e200, 1, 1), (5, 1e-30, 1)]
)
def test_a_spacing_that_is_no_spacing_is_refused(ct, lesion, lung, spacing):
    with pytest.raises(RefusedVolume, match="spacing"):
        measure(ct, lesion, lung, spacing)


def test_shapes_that_differ_are_refused(ct, lesion, lung):
    with pytest.raises(RefusedVolume, match="lesion"):
        measure(ct, lesion[1:], lung, SPACING)
    with pytest.raises(RefusedVolume, match="lung"):
        measure(ct, lesion, lung[:, 1:], SPACING)
    with pytest.raises(RefusedVolume, match="shape"):
        measure(ct[0], lesion[0], lung[0], SPACING)


def test_rows_that_are_too_long_are_refused():
    ct = np.zeros((1, 1, 65_537), np.int16)
    with pytest.raises(RefusedVolume, match="resample") as refusal:
        measure(ct, ct.astype(np.bool_), None, SPACING)
    assert refusal.value.kind == "too_large"


def test_more_than_two_to_the_31_voxels_are_refused():
    """Before any voxel is looked at, which would take minutes."""
    ct = np.broadcast_to(np.float32(np.nan), (2**16, 2**8, 2**8))
    with pytest.raises(RefusedVolume, match="voxels"):
        measure(ct, np.broadcast_to(np.bool_(False), ct.shape), None, SPACING)


def test_eight_bit_data_are_measured_without_their_intensities(ct, lesion, lung):
    display = np.random.default_rng(0).integers(0, 256, ct.shape).astype(np.uint8)
    found = measure(display, lesion, lung, SPACING, features=MEASURED)
    without = {name for name, reason in found.undefined.items() if reason.startswith("ct_not_in_hu: ")}
    intensities = {name for name in MEASURED if CATALOGUE[name].card.unit.startswith("HU")}
    tissue = {name for name in MEASURED if CATALOGUE[name].card.cost == "lung"}
    assert without == {*intensities, *tissue, "impossible_hu_share"}
    assert found.ct_unit == "unknown"


@pytest.mark.parametrize("kind", [np.uint16, np.int16, np.float32])
def test_stored_values_without_their_rescaling_are_not_in_hu(ct, lesion, lung, kind):
    found = measure((ct.astype(np.int32) + 1024).astype(kind), lesion, lung, SPACING)
    assert found.undefined["intensity_mode"].startswith("ct_not_in_hu: ")
    assert found.ct_unit == "unknown"


def test_display_values_are_mapped_where_the_caller_says_so(lesion, lung):
    display = np.full(lesion.shape, 255, np.uint8)
    found = measure(display, lesion, lung, SPACING, ct_unit="display")
    assert found.features["intensity_mode"] == pytest.approx(400)
    assert found.ct_unit == "display"


def test_values_beyond_display_are_not_display_values(ct, lesion, lung):
    with pytest.raises(RefusedVolume, match="not 8-bit"):
        measure(ct, lesion, lung, SPACING, ct_unit="display")


@pytest.mark.parametrize(
    "wrong",
    [
        {"profile": "theirs"},
        {"components": "6"},
        {"axis": "t"},
        {"min_voxels": -1},
        {"ct_unit": "kelvin"},
        {"features": ["dice"]},
    ],
)
def test_an_option_that_there_is_not_is_refused(ct, lesion, lung, wrong):
    with pytest.raises(BadInput):
        measure(ct, lesion, lung, SPACING, **wrong)


def test_arrays_in_any_memory_order_give_the_same(ct, lesion, lung):
    wanted = measure(ct, lesion, lung, SPACING, features=MEASURED).features
    for made in (np.asfortranarray, lambda array: array[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1]):
        assert measure(made(ct), made(lesion), made(lung), SPACING, features=MEASURED).features == wanted


def test_features_without_unit_do_not_depend_on_spacing(ct, lesion, lung):
    names = [
        "connected_components", "segmentation_smoothness", "lesions_within_lungs", "largest_component_share",
        "lesion_share_of_lung", "filled_slices_share", "lesion_left_share", "lesion_upper_share",
        "impossible_hu_share",
    ]  # fmt: skip
    wanted = measure(ct, lesion, lung, SPACING, features=names).features
    assert measure(ct, lesion, lung, (1.0, 2.0, 3.0), features=names).features == wanted
