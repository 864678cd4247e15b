import itertools
from fractions import Fraction
from math import floor

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its users know it by this name
from hypothesis import given, settings
from hypothesis import strategies as st

from segwatch.contracts.base import Geometry
from segwatch.volumes.grid import (
    GRID,
    grid_geometry,
    nearest_indices,
    resample_ct,
    resample_linear,
    resample_mask,
)
from segwatch.volumes.image import Volume
from segwatch.volumes.orientation import affine_of

shapes = st.tuples(*[st.integers(1, 9)] * 3)


def by_the_rule(array, shape):
    """docs/architecture.md, word for word, in exact fractions: one dictionary of taps an axis."""

    def taps(size, count, i):
        at = min(
            max(Fraction(2 * i + 1) * size / (2 * count) - Fraction(1, 2), Fraction(0)), Fraction(size - 1)
        )
        low = floor(at)
        return [(low, 1 - (at - low)), (min(low + 1, size - 1), at - low)]

    out = np.empty(shape, object)
    for index in np.ndindex(*shape):
        axes = [taps(n, m, i) for n, m, i in zip(array.shape, shape, index, strict=True)]
        out[index] = sum(
            int(array[z, y, x]) * a * b * c for (z, a), (y, b), (x, c) in itertools.product(*axes)
        )
    return out


@settings(max_examples=30, deadline=None)
@given(shapes, shapes, st.integers(0, 2**32 - 1))
def test_linear_and_its_rounding_are_the_rule_in_exact_arithmetic(source, target, seed):
    array = np.random.default_rng(seed).integers(-1024, 3072, source).astype(np.int16)
    exact = by_the_rule(array, target)
    rounded = np.vectorize(lambda v: floor(v + Fraction(1, 2)), otypes=[np.int64])(exact)
    np.testing.assert_array_equal(resample_ct(array, target), rounded)
    np.testing.assert_array_equal(resample_linear(array, target), exact.astype(np.float64).astype(np.float32))


@pytest.mark.parametrize("source", [(32, 100, 130), (120, 64, 70), (7, 33, 9), (1, 5, 5)])
def test_linear_agrees_with_simpleitk_to_a_ten_thousandth(source):
    array = np.random.default_rng(1).integers(-1024, 2000, source).astype(np.int16)
    target = (50, 96, 101)
    ours = resample_linear(array, target)
    inside = np.s_[:] if source[0] > 1 else np.s_[25:26]  # ITK has nothing to sample outside a single slice
    np.testing.assert_allclose(ours[inside], by_simpleitk(array, target, sitk.sitkLinear)[inside], atol=1e-4)


@pytest.mark.parametrize("source", [(33, 101, 127), (7, 33, 9), (211, 53, 53)])
def test_nearest_agrees_with_simpleitk_exactly_where_there_are_no_ties(source):
    target = (50, 128, 96)
    assert not any(tie(n, m) for n, m in zip(source, target, strict=True))
    mask = np.random.default_rng(2).random(source) < 0.3
    expected = by_simpleitk(mask.astype(np.int16), target, sitk.sitkNearestNeighbor) > 0
    np.testing.assert_array_equal(resample_mask(mask, target), expected)


def tie(size, count):
    return any((2 * i + 1) * size % (2 * count) == 0 for i in range(count))


def by_simpleitk(array, shape, interpolator):
    image = sitk.GetImageFromArray(array.astype(np.float64))
    ratio = [n / m for n, m in zip(array.shape[::-1], shape[::-1], strict=True)]
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize(shape[::-1])
    resampler.SetOutputSpacing(ratio)
    resampler.SetOutputOrigin([(r - 1) / 2 for r in ratio])
    resampler.SetInterpolator(interpolator)
    resampler.UseNearestNeighborExtrapolatorOn()
    out = sitk.GetArrayFromImage(resampler.Execute(image))
    if interpolator == sitk.sitkNearestNeighbor:
        return out
    padded = np.pad(array.astype(np.float64), 1, mode="edge")  # clamped edges, which ITK does not blend
    image = sitk.GetImageFromArray(padded)
    image.SetOrigin([-1.0] * 3)
    return sitk.GetArrayFromImage(resampler.Execute(image))


@given(shapes, shapes, st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_nearest_is_the_rule_in_integers(source, target, seed):
    mask = np.random.default_rng(seed).random(source) < 0.5
    axes = [[(2 * i + 1) * n // (2 * m) for i in range(m)] for n, m in zip(source, target, strict=True)]
    np.testing.assert_array_equal(resample_mask(mask, target), mask[np.ix_(*axes)])


def test_a_half_is_rounded_up_below_zero_too():
    array = np.array([[[-1, -2, 3, 4]]], np.int16)
    assert resample_ct(array, (1, 1, 2)).tolist() == [[[-1, 4]]]


def test_values_beyond_int16_become_its_ends():
    array = np.array([[[1e9, -1e9]]], np.float32)
    assert resample_ct(array, (1, 1, 2)).tolist() == [[[32767, -32768]]]


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64", "int32", "uint8", ">i2"])
def test_every_type_of_number_gives_the_same(dtype):
    array = np.random.default_rng(3).integers(0, 200, (4, 5, 6))
    expected = resample_ct(array.astype(np.int16), (5, 7, 9))
    np.testing.assert_array_equal(resample_ct(array.astype(dtype), (5, 7, 9)), expected)


def test_a_volume_that_is_on_the_grid_already_stays_as_it_is():
    array = np.random.default_rng(4).integers(-1000, 400, (5, 6, 7)).astype(np.int16)
    np.testing.assert_array_equal(resample_ct(array, (5, 6, 7)), array)
    np.testing.assert_array_equal(resample_mask(array > 0, (5, 6, 7)), array > 0)


def test_arrays_in_another_memory_order_are_read_right():
    array = np.random.default_rng(5).integers(-1000, 400, (5, 6, 7)).astype(np.int16)
    turned = np.asfortranarray(array)[::-1, :, ::-1]
    np.testing.assert_array_equal(resample_ct(turned, (3, 9, 8)), resample_ct(turned.copy(), (3, 9, 8)))
    np.testing.assert_array_equal(
        resample_mask(turned > 0, (3, 9, 8)), resample_mask((turned > 0).copy(), (3, 9, 8))
    )


def test_the_grid_is_the_papers():
    assert GRID == (50, 512, 512)
    assert resample_ct(np.zeros((2, 3, 4), np.int16)).shape == GRID


def test_the_extent_is_kept(ct: Volume):
    grid = grid_geometry(ct.geometry, (7, 2, 9))
    for geometry in (ct.geometry, grid):
        corners = [affine_of(geometry) @ [*corner, 1] for corner in outer_corners(geometry)]
        np.testing.assert_allclose(corners[0][:3], (-120.75, 29.875, 998.75))
        np.testing.assert_allclose(corners[1][:3], (-118.25, 32.875, 1006.25))
    assert grid.shape_zyx == (7, 2, 9)
    assert grid.direction == ct.geometry.direction


def test_the_origin_moves_along_tilted_axes():
    tilt = np.radians(3)
    direction = (1.0, 0.0, 0.0, 0.0, np.cos(tilt), np.sin(tilt), 0.0, -np.sin(tilt), np.cos(tilt))
    tilted = Geometry(
        shape_zyx=(4, 4, 4), spacing_zyx_mm=(1.0, 1.0, 1.0), origin_xyz_mm=(0.0, 0.0, 0.0),
        direction=tuple(map(float, direction)),
    )  # fmt: skip
    grid = grid_geometry(tilted, (4, 2, 4))
    np.testing.assert_allclose(grid.origin_xyz_mm, np.array(direction[3:6]) * 0.5)


def outer_corners(geometry):
    far = np.array(geometry.shape_zyx[::-1]) - 0.5
    return [np.full(3, -0.5), far]


def test_nearest_indices_stay_inside():
    for size, count in itertools.product(range(1, 40), range(1, 40)):
        indices = nearest_indices(size, count)
        assert indices.min() >= 0
        assert indices.max() < size
