"""Damages of a lesion mask: each does what it says, leaves something, and a draw gives the same again."""

import numpy as np
import pytest
from scipy import ndimage

from segwatch.cohorts.damages import DAMAGES, Known, damaged
from segwatch.cohorts.demo_cohort import true_dice

SPACING = (4.0, 2.0, 2.0)


@pytest.fixture(scope="module")
def scene():
    """Two lesions in a lung, dense in their middle (z, y, x)."""
    z, y, x = np.indices((16, 64, 64))
    lung = ((y - 32) / 26) ** 2 + ((x - 32) / 28) ** 2 < 1
    lesion = (z - 8) ** 2 / 16 + (y - 30) ** 2 / 49 + (x - 20) ** 2 / 64 < 1
    lesion |= (z - 7) ** 2 / 9 + (y - 36) ** 2 / 25 + (x - 46) ** 2 / 25 < 1
    noise = np.random.default_rng(1).normal(0, 40, lung.shape)
    hu = np.where(lesion, -350, np.where(lung, -850, 30)) + ndimage.gaussian_filter(noise, 1)
    return lesion & lung, Known(hu, lung, SPACING)


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damage_changes_the_mask_and_the_same_draw_gives_the_same(scene, kind):
    mask, known = scene

    made, again = (damaged(mask, known, {kind: 0.7}, np.random.default_rng(3)) for _ in range(2))

    assert made.shape == mask.shape
    assert made.dtype == np.bool_
    assert made.any()
    assert (made == again).all()
    assert true_dice(made, mask) < 0.99


@pytest.mark.parametrize(
    "kind", ["grown", "shrunk", "shifted", "cut_off", "with_false_lesions", "with_dense_lung"]
)
def test_a_stronger_damage_costs_more_dice(scene, kind):
    mask, known = scene

    def dice(strength):
        draws = (np.random.default_rng(seed) for seed in range(5))
        return np.mean([true_dice(damaged(mask, known, {kind: strength}, draw), mask) for draw in draws])

    assert dice(0.9) < dice(0.4) < dice(0.0) <= 1.0


def test_growing_adds_and_shrinking_takes_away_only(scene):
    mask, known = scene
    draw = np.random.default_rng(0)

    assert (damaged(mask, known, {"grown": 0.5}, draw) >= mask).all()
    assert (damaged(mask, known, {"shrunk": 0.5}, draw) <= mask).all()


def test_a_damage_that_would_leave_nothing_is_left_out(scene):
    _, known = scene
    speck = np.zeros(known.lung.shape, np.bool_)
    speck[8, 30, 20] = True

    assert damaged(speck, known, {"in_blocks": 1.0, "smoothed": 1.0}, np.random.default_rng(0)).any()


@pytest.mark.parametrize("kinds", [{"melted": 0.5}, {"grown": 1.5}])
def test_what_is_no_damage_is_refused(scene, kinds):
    mask, known = scene

    with pytest.raises(ValueError, match="no damage"):
        damaged(mask, known, kinds, np.random.default_rng(0))
    with pytest.raises(ValueError, match="empty mask"):
        damaged(np.zeros_like(mask), known, {}, np.random.default_rng(0))
