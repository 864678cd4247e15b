"""What the lung's tissue says of a mask, on a lung whose tissue is known."""

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from segwatch.features.measuring import measure
from segwatch.features.registry import SETS
from segwatch.features.tissue import mean_of_neighbours

NAMES = (
    "dense_lung_dice",
    "dense_lung_missed_share",
    "lesion_not_dense_share",
    "lesion_z_in_lung",
    "lung_hu_spread",
    "rim_dense_share",
    "slice_distance_mm",
)
SPACING = (2.5, 2.5, 2.5)
"""Of one block: what is measured on blocks is measured on voxels."""


def chest(seed=0):
    """A CT with a lung, dense in one corner of it, and the masks of lung and of what is dense."""
    shape = (20, 40, 40)
    lung, dense = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    lung[2:18, 4:36, 4:36] = True
    dense[6:14, 8:20, 8:20] = True
    ct = np.where(lung, -850, 40) + np.random.default_rng(seed).normal(0, 20, shape)
    ct[dense] += 450
    return ct.astype(np.int16), lung, dense


def values(ct, lesion, lung, **more):
    return measure(ct, lesion, lung, SPACING, ct_unit="hu", features=NAMES, **more)


def test_a_mask_of_what_is_dense_agrees_with_the_cheap_rule():
    ct, lung, dense = chest()
    found = values(ct, dense, lung).features
    assert found["dense_lung_dice"] > 0.85
    assert found["dense_lung_missed_share"] < 0.25
    assert found["lesion_not_dense_share"] < 0.12
    assert found["lesion_z_in_lung"] > 10
    assert found["slice_distance_mm"] == 2.5


def test_a_mask_that_lacks_half_misses_half_and_covers_nothing_else():
    ct, lung, dense = chest()
    half = dense.copy()
    half[:, :14] = False
    whole, less = values(ct, dense, lung).features, values(ct, half, lung).features
    assert less["dense_lung_dice"] < whole["dense_lung_dice"] - 0.2
    assert less["dense_lung_missed_share"] > 0.4
    assert less["lesion_not_dense_share"] < 0.12
    assert less["rim_dense_share"] > whole["rim_dense_share"] + 0.1


def test_a_mask_that_is_twice_too_large_covers_what_is_not_dense():
    ct, lung, dense = chest()
    found = values(ct, dense | np.roll(dense, 14, axis=2), lung).features
    assert found["lesion_not_dense_share"] == pytest.approx(0.5, abs=0.1)
    assert found["dense_lung_missed_share"] < 0.25


@pytest.mark.parametrize(("factor", "offset"), [(1.0, 60), (0.8, 0), (1.1, 30)])
def test_what_is_dense_follows_the_scans_own_scale(factor, offset):
    ct, lung, dense = chest()
    other = (ct * factor + offset).astype(np.int16)
    for name in ("dense_lung_dice", "dense_lung_missed_share", "lesion_z_in_lung"):
        assert values(other, dense, lung).features[name] == pytest.approx(
            values(ct, dense, lung).features[name], rel=0.1
        )


def test_what_is_undefined_says_why():
    ct, lung, dense = chest()
    assert values(ct, lung, lung).undefined["lung_hu_spread"].startswith("lung_all_lesion: ")
    assert values(ct, dense, None).undefined["dense_lung_dice"].startswith("no_lung: ")
    assert values(ct, dense * 0, lung).undefined["dense_lung_dice"].startswith("empty_mask: ")
    flat = np.where(lung, -850, 40).astype(np.int16)
    assert values(flat, dense, lung).undefined["lesion_z_in_lung"].startswith("flat_lung: ")
    display = measure(np.uint8(ct * 0), dense, lung, SPACING, features=NAMES)
    assert display.undefined["dense_lung_dice"].startswith("ct_not_in_hu: ")


def test_a_lung_without_anything_dense_has_no_share_of_it():
    ct, lung, dense = chest()
    ct[dense] = -850
    assert values(ct, dense, lung).undefined["dense_lung_missed_share"].startswith("no_dense_lung: ")
    assert values(ct, dense, lung).features["dense_lung_dice"] == 0


def test_a_mask_between_the_grids_points_is_too_small_for_a_share():
    ct, lung, _ = chest()
    fine = [np.repeat(np.repeat(array, 3, axis=1), 3, axis=2) for array in (ct, lung)]
    speck = np.zeros(fine[0].shape, np.bool_)
    speck[10, 30, 30] = True  # a corner of its block, whose middle is (31, 31)
    found = measure(fine[0], speck, fine[1], (2.5, 2.5 / 3, 2.5 / 3), ct_unit="hu", features=NAMES)
    for name in ("lesion_not_dense_share", "dense_lung_dice", "dense_lung_missed_share"):
        assert found.undefined[name].startswith("too_small: ")


def test_a_lung_between_the_grids_points_gives_no_distances_and_no_tissue():
    ct = np.random.default_rng(1).integers(-900, 0, (6, 40, 40)).astype(np.int16)
    speck = np.zeros(ct.shape, np.bool_)
    speck[3, 10, 9] = True  # beside the middle of its block
    names = ["lesions_within_lungs", "outside_lung_5mm_share", "lung_border_distance_mm", "dense_lung_dice"]
    found = measure(ct, speck, speck, (2.5, 0.8, 0.8), ct_unit="hu", features=names)
    assert found.features["lesions_within_lungs"] == 1
    assert all(found.undefined[name].startswith("lung_too_small: ") for name in names[1:])


def test_the_set_without_distance_maps_leaves_them_out():
    assert not set(SETS["cheap"]) & (set(NAMES) - {"slice_distance_mm"})
    assert set(NAMES) <= set(SETS["measured"])


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 7), (2, 3, 4), (25, 40, 41)])
def test_the_mean_of_neighbours_is_scipys_to_the_last_bit(shape):
    values = np.random.default_rng(0).normal(-500, 400, shape).astype(np.float32)

    assert np.array_equal(mean_of_neighbours(values), uniform_filter(values, 3))
