import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from segwatch.errors import RefusedVolume
from segwatch.volumes.hounsfield import compact, ct_unit, in_hounsfield


@pytest.mark.parametrize(
    ("low", "high", "unit"),
    [
        (-1024, 3071, "hu"),
        (-3024, 1500, "hu"),
        (0, 255, "unknown"),
        (0, 4095, "unknown"),
        (-1, 1, "unknown"),
        (-200, 300, "unknown"),
    ],
)
def test_a_chest_in_hu_has_air_in_it_and_other_values_do_not(low, high, unit):
    for dtype in (np.int16, np.float32):
        assert ct_unit(np.linspace(low, high, 100).astype(dtype)) == unit


def test_display_values_are_mapped_to_the_window_and_marked():
    array, unit = in_hounsfield(np.array([[[0, 51, 255]]], np.int16), "display", "ct.nii.gz")
    assert unit == "display"
    assert array.dtype == np.float32
    np.testing.assert_allclose(array, [[[-1000, -720, 400]]])


@pytest.mark.parametrize("values", [[-1000, 0, 255], [0, 256]])
def test_values_outside_eight_bits_are_no_display_values(values):
    with pytest.raises(RefusedVolume, match=r"ct\.nii\.gz") as caught:
        in_hounsfield(np.array([[values]], np.int16), "display", "ct.nii.gz")
    assert caught.value.kind == "not_display"


def test_what_the_caller_does_not_say_is_looked_for_and_what_he_says_is_taken():
    air, bright = np.array([[[-1000, 40]]], np.int16), np.array([[[0, 200]]], np.int16)
    assert [in_hounsfield(a, "auto", "ct")[1] for a in (air, bright)] == ["hu", "unknown"]
    assert in_hounsfield(bright, "hu", "ct")[1] == "hu"
    assert in_hounsfield(bright, "auto", "ct")[0] is bright


@settings(deadline=None)
@given(arrays(np.float32, array_shapes(min_dims=3, max_dims=3), elements=st.floats(-4e4, 4e4, width=32)))
def test_compacting_never_changes_a_value(array):
    out = compact(array, "ct")
    np.testing.assert_array_equal(out, array)
    whole = bool(np.all(array == np.floor(array)) and np.abs(array + 0.5).max() < 32768)
    assert out.dtype == (np.int16 if whole else np.float32)
