"""What is done to a scan before it is segmented."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from research.covid20_cohort.changes import CHANGES, changed, flipped, part, thicker
from research.covid20_cohort.covid20 import Scan

LEVELS = np.float32(np.random.default_rng(3).random((6, 24, 20)).cumsum(axis=1) % 1)


def a_scan(slices: int = 12) -> Scan:
    draw = np.random.default_rng(0)
    truth = draw.random((slices, 10, 12)) < 0.3
    return Scan(
        draw.random(truth.shape, np.float32), truth, truth | (draw.random(truth.shape) < 0.3), (1, 2, 3)
    )


@given(st.sampled_from(sorted(CHANGES)), st.floats(0, 1), st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_a_changed_scan_is_a_scan_in_8_bits(kind, strength, seed):
    found = changed(LEVELS, kind, strength, np.random.default_rng(seed))
    assert found.shape == LEVELS.shape
    assert found.dtype == np.float32
    assert found.min() >= 0
    assert found.max() <= 1
    assert np.abs(found * 255 - np.rint(found * 255)).max() < 1e-3
    assert (found == changed(LEVELS, kind, strength, np.random.default_rng(seed))).all()


@pytest.mark.parametrize("kind", CHANGES)
def test_a_stronger_change_changes_more(kind):
    def distance(strength):
        draws = (np.random.default_rng(seed) for seed in range(4))
        return np.mean([np.abs(changed(LEVELS, kind, strength, draw) - LEVELS).mean() for draw in draws])

    assert 0 < distance(0.1) < distance(0.9)


def test_a_strength_beyond_one_is_refused():
    with pytest.raises(ValueError, match="within 0 to 1"):
        changed(LEVELS, "noise", 1.2, np.random.default_rng(0))


def test_thick_slices_are_means_and_their_masks_majorities():
    scan = a_scan()
    thick = thicker(scan, 3)
    assert thick.spacing == (3, 2, 3)
    np.testing.assert_allclose(thick.levels[1], scan.levels[3:6].mean(axis=0), atol=0.5 / 255 + 1e-6)
    assert (thick.truth[1] == (scan.truth[3:6].sum(axis=0) >= 2)).all()
    assert thicker(scan, 1) is scan


@given(st.floats(0, 1), st.floats(0, 1), st.integers(7, 40))
@settings(max_examples=40, deadline=None)
def test_a_part_has_at_least_six_slices_that_follow_each_other(share, where, slices):
    scan = a_scan(slices)
    found = part(scan, share, where)
    assert 6 <= len(found.levels) <= slices
    starts = [z for z in range(slices) if (scan.levels[z] == found.levels[0]).all()]
    assert (scan.truth[starts[0] : starts[0] + len(found.truth)] == found.truth).all()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_flip_turns_the_truth_along(axis):
    scan = a_scan()
    turned = flipped(scan, axis)
    assert turned.levels[turned.truth].sum() == pytest.approx(scan.levels[scan.truth].sum())
    assert (flipped(turned, axis).levels == scan.levels).all()
