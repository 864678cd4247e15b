"""Distances against scipy's, and the coarser grid they are measured on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from segwatch.features.coarse import coarsen
from segwatch.features.kernels.distance import distance_to
from segwatch.features.kernels.runs import encode_runs
from segwatch.features.measuring import measure


@settings(deadline=None, max_examples=150)
@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9)),
    st.tuples(*[st.sampled_from([0.3, 1.0, 2.5, 8.0])] * 3),
    st.sampled_from([0.01, 0.2, 0.8]),
    st.integers(0, 2**32),
)
def test_distances_equal_scipys(shape, spacing, share, seed):
    target = np.random.default_rng(seed).random(shape) < share
    target.flat[seed % target.size] = True
    assert distance_to(target, spacing) == pytest.approx(
        distance_transform_edt(~target, sampling=spacing), abs=1e-3
    )


def test_where_there_is_no_target_all_is_far():
    assert (distance_to(np.zeros((2, 3, 4), np.bool_), (1, 1, 1)) >= 1e6 * (1 - 1e-6)).all()


def test_a_block_is_lesion_where_any_voxel_is():
    lesion = np.zeros((3, 9, 9), np.uint8)
    lesion[1, 0, 8] = 1
    coarse = coarsen(encode_runs(lesion), np.ones_like(lesion), (5.0, 0.8, 0.8))
    assert coarse.step == (1, 3, 3)
    assert np.argwhere(coarse.lesion).tolist() == [[1, 0, 2]]
    assert coarse.lesion_voxels.sum() == 1


@pytest.fixture
def box():
    """A lung of 100 mm with a small lesion in its middle, on voxels of 1 mm, within 20 mm of chest."""
    lung = np.zeros((100, 100, 100), np.bool_)
    lung[20:80, 20:80, 20:80] = True
    lesion = np.zeros_like(lung)
    lesion[49:52, 49:52, 49:52] = True
    ct = np.where(lung, -850, 40).astype(np.int16)
    ct[lesion] = -300
    return ct, lesion, lung


def test_the_rim_is_lung_around_the_lesion(box):
    found = measure(*box, (1, 1, 1), features=["rim_contrast_hu"])
    assert found.features["rim_contrast_hu"] == pytest.approx(550)


def test_the_depth_in_the_lung_is_its_distance_to_the_border(box):
    found = measure(*box, (1, 1, 1), features=["lung_border_distance_mm"])
    assert found.features["lung_border_distance_mm"] == pytest.approx(30, abs=2.5)


@pytest.mark.parametrize(("shift", "share"), [(0, 0.0), (32, 0.0), (40, 1.0)])
def test_only_what_lies_far_outside_counts_as_far_outside(box, shift, share):
    ct, lesion, lung = box
    found = measure(ct, np.roll(lesion, shift, axis=2), lung, (1, 1, 1), features=["outside_lung_5mm_share"])
    assert found.features["outside_lung_5mm_share"] == share


def test_a_lesion_without_lung_around_has_no_rim(box):
    ct, lesion, lung = box
    found = measure(ct, lung, lung & lesion, (1, 1, 1), features=["rim_contrast_hu"])
    assert found.undefined["rim_contrast_hu"].startswith("no_rim: ")


def test_a_lesion_outside_has_no_depth(box):
    ct, lesion, lung = box
    found = measure(ct, np.roll(lesion, 40, axis=2), lung, (1, 1, 1), features=["lung_border_distance_mm"])
    assert found.undefined["lung_border_distance_mm"].startswith("no_lesion_inside: ")


def test_a_lung_that_fills_everything_has_no_border(box):
    ct, lesion, lung = box
    found = measure(ct, lesion, np.ones_like(lung), (1, 1, 1), features=["lung_border_distance_mm"])
    assert found.undefined["lung_border_distance_mm"].startswith("no_lung_border: ")
