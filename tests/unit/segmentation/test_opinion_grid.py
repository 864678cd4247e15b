"""What the second opinion's network reads of a scan."""

import numpy as np
import pytest

from segwatch.phantoms.phantom import make_phantom

pytestmark = pytest.mark.torch
pytest.importorskip("torch", reason="needs the extra `segmentation`")

from segwatch.segmentation.opinion_grid import lung_view, opinion_grid  # noqa: E402 - torch may be missing


@pytest.fixture(scope="module")
def phantom():
    return make_phantom(11)


@pytest.fixture(scope="module")
def grid(phantom):
    return opinion_grid(phantom.lung, phantom.geometry.spacing_zyx_mm)


def test_slices_of_a_millimetre_become_slabs_of_four_and_thick_ones_stay(phantom):
    assert opinion_grid(phantom.lung, (1.0, 0.7, 0.7)).slab == 4
    assert opinion_grid(phantom.lung, (5.0, 0.7, 0.7)).slab == 1
    shape = opinion_grid(phantom.lung, (1.0, 0.7, 0.7)).shape
    assert shape == (8, round(128 * 0.7 / 2.5), round(128 * 0.7 / 2.5))


def test_the_box_holds_the_lung_with_a_margin(phantom, grid):
    lung = grid.majority(phantom.lung)
    assert lung[(slice(None), *grid.box)].sum() == lung.sum()
    assert grid.box[0].start < np.flatnonzero(lung.any(axis=(0, 2)))[0]


def test_a_mask_keeps_its_volume_on_the_grid(phantom, grid):
    share = phantom.lesion.mean()
    assert grid.majority(phantom.lesion).mean() == pytest.approx(share, rel=0.1)
    assert grid.shares(phantom.lesion).mean() == pytest.approx(share, rel=0.02)


def test_the_same_is_read_of_hu_and_of_another_window(phantom, grid):
    ct = phantom.ct.astype(np.float32)
    plain, other = lung_view(ct, phantom.lung, grid), lung_view(ct * 0.5 + 100, phantom.lung, grid)
    np.testing.assert_allclose(plain.distance, other.distance, atol=0.02)
    assert np.abs(plain.rank - other.rank).max() < 0.03


def test_ranks_do_not_depend_on_the_display_curve(phantom, grid):
    shares = np.clip((phantom.ct + 1000) / 1400, 0, 1)
    plain, curved = (
        lung_view((shares**exponent * 1400 - 1000).astype(np.float32), phantom.lung, grid)
        for exponent in (1.0, 0.6)
    )
    inside = plain.lung
    assert np.abs(plain.rank - curved.rank)[inside].mean() < 0.03


def test_no_lung_on_the_grid_is_no_view(phantom):
    lung = np.zeros(phantom.lung.shape, np.bool_)
    lung[3, 60, 60] = True
    grid = opinion_grid(lung, (1.0, 0.5, 0.5))
    assert lung_view(phantom.ct, lung, grid) is None


def test_the_network_sees_each_slab_between_its_neighbours(phantom, grid):
    view = lung_view(phantom.ct, phantom.lung, grid)
    stacks = view.stacks()
    assert stacks.shape == (len(view.rank), 7, *view.rank.shape[1:])
    np.testing.assert_array_equal(stacks[5, :3], view.rank[4:7])
    np.testing.assert_array_equal(stacks[0, :3], view.rank[[0, 0, 1]])
    np.testing.assert_array_equal(stacks[-1, 3:6], view.distance[[-2, -1, -1]])
