import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from segwatch.errors import RefusedVolume
from segwatch.volumes.hounsfield import Census, compact, in_hounsfield, judged
from segwatch.volumes.outside import AIR_HU, air_outside


@pytest.fixture(scope="module")
def chest():
    """A trunk with two lungs, noise, and the circle of reconstruction around it (z, y, x)."""
    z, y, x = np.mgrid[:6, :96, :96].astype(float)
    hu = np.full(z.shape, -1000.0)
    hu[((x - 47.5) / 43) ** 2 + ((y - 47.5) / 33) ** 2 < 1] = 40
    for side in (-1, 1):
        hu[((x - 47.5 - side * 19) / 14) ** 2 + ((y - 47.5) / 23) ** 2 < 1] = -850
    return np.rint(hu + np.random.default_rng(0).normal(0, 12, hu.shape)).astype(np.int16)


@pytest.fixture(scope="module")
def corners():
    y, x = np.mgrid[:96, :96]
    return np.hypot(x - 47.5, y - 47.5) > 47.4


def filled(ct, corners, value):
    out = ct.astype(np.float32) if abs(value) > 32767 else ct.copy()
    out[:, corners] = value
    return out


def windowed(ct, low, high):
    return np.clip(ct, low, high)


@pytest.mark.parametrize("padding", [-1000, -1024, -2000, -3024, -32768, 0, 3071, 62512])
def test_a_chest_in_hu_is_known_whatever_its_padding(chest, corners, padding):
    found = in_hounsfield(filled(chest, corners, padding), "auto", "ct")
    assert found.unit == "hu"
    assert not found.judged.doubt
    outside = found.array[:, corners]
    assert ((outside >= -1100) & (outside <= -900)).all()
    np.testing.assert_array_equal(found.array[:, ~corners], chest[:, ~corners])


@pytest.mark.parametrize("padding", [None, -2000, -1024, 0])
@pytest.mark.parametrize(
    "spoiled",
    [
        lambda ct: ct + 1024,  # the intercept lost
        lambda ct: ct + 1000,
        lambda ct: ct - 1024,  # applied twice
        lambda ct: ct - 8192,
        lambda ct: ct // 2,  # a slope of one half lost
        lambda ct: ct * 2,
        lambda ct: -ct,
        lambda ct: np.where(ct > -990, (np.clip(ct, -1000, 1000) + 1000) // 20, -1024),  # iodine
        lambda ct: np.clip((ct + 1000) * 255 // 1400, 0, 255),  # 8-bit display values
        lambda ct: np.clip(ct, -160, 240),  # a soft-tissue window
        lambda ct: np.clip(ct, -1000, -200),  # cut off below all tissue
        lambda ct: np.where(ct < -300, ct, 0),  # all tissue cut away
        lambda ct: ct + 250,
        lambda ct: np.clip(ct, -1000, 400) / 700.0 + 0.43,  # scaled to -1 to 1
        lambda ct: (ct - ct.mean()) / ct.std(),
        lambda ct: (ct + 1000) * 1e-4,  # attenuation
        np.zeros_like,
    ],
)
def test_what_is_no_hu_is_unknown_and_says_why(chest, corners, spoiled, padding):
    values = np.asarray(spoiled(chest.astype(np.int32))).astype(np.float32)
    values = values if padding is None else filled(values, corners, padding)
    found = in_hounsfield(values, "auto", "ct")
    assert found.unit == "unknown"
    assert found.judged.doubt
    assert found.array is values


def test_a_lung_window_leaves_hu_what_they_are(chest):
    assert judged(np.clip(chest, -1350, 150)).unit == "hu"


def test_the_order_in_which_slices_are_seen_says_nothing(chest):
    census = Census()
    for plane in chest[::-1]:
        census.see(plane)
    assert census.judged() == judged(chest)


def test_only_padding_that_touches_the_border_becomes_air(chest, corners):
    ct = filled(chest, corners, 0)
    ct[:, 40:44, 46:50] = 0  # in the patient
    found = air_outside(ct)
    assert (found[:, corners] == AIR_HU).all()
    assert (found[:, 40:44, 46:50] == 0).all()


def test_a_slice_that_is_tissue_throughout_is_not_padding():
    ct = np.full((2, 16, 16), 40, np.int16)
    assert air_outside(ct) is ct


def test_display_values_are_mapped_to_the_window_and_marked():
    found = in_hounsfield(np.array([[[0, 51, 255]]], np.int16), "display", "ct.nii.gz")
    assert found.unit == "display"
    assert found.array.dtype == np.float32
    np.testing.assert_allclose(found.array, [[[-1000, -720, 400]]])


@pytest.mark.parametrize("values", [[-1000, 0, 255], [0, 256]])
def test_values_outside_eight_bits_are_no_display_values(values):
    with pytest.raises(RefusedVolume, match=r"ct\.nii\.gz") as caught:
        in_hounsfield(np.array([[values]], np.int16), "display", "ct.nii.gz")
    assert caught.value.kind == "not_display"


def test_a_caller_who_says_hu_is_taken_at_his_word_and_a_header_that_says_otherwise_too(chest):
    bright = np.array([[[0, 200]]], np.int16)
    assert in_hounsfield(bright, "hu", "ct", "its values are MGML").unit == "hu"
    assert in_hounsfield(chest, "auto", "ct", "its values are MGML").judged.doubt == "its values are MGML"


@settings(deadline=None)
@given(arrays(np.float32, array_shapes(min_dims=3, max_dims=3), elements=st.floats(-4e4, 4e4, width=32)))
def test_compacting_never_changes_a_value(array):
    out = compact(array, "ct")
    np.testing.assert_array_equal(out, array)
    whole = bool(np.all(array == np.floor(array)) and np.abs(array + 0.5).max() < 32768)
    assert out.dtype == (np.int16 if whole else np.float32)


@pytest.mark.parametrize(("lung", "tissue"), [(-850, 40), (-800, 0)])
def test_a_chest_drawn_in_plain_values_is_in_hu(lung: int, tissue: int) -> None:
    ct = np.full((20, 40, 40), tissue, np.int16)
    ct[4:16, 8:32, 8:32] = lung
    assert judged(ct).unit == "hu"
