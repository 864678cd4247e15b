"""The quality bins, and what is made of their probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwatch.scoring.bins import COUNT, EDGES, bin_of, expected_dice, failed, failure_mass, spread
from segwatch.scoring.calibrated import PlattCalibration
from segwatch.scoring.predict import failure_of, logit, rescale, sigmoid

shares = st.lists(st.floats(0, 1), min_size=COUNT, max_size=COUNT).filter(lambda row: sum(row) > 1e-6)


def as_probabilities(row: list[float]) -> np.ndarray:
    return np.array([row]) / sum(row)


@pytest.mark.parametrize(("dice", "number"), [(0.0, 0), (0.2, 1), (0.4, 2), (0.6, 3), (0.8, 4), (1.0, 4)])
def test_a_dice_on_an_edge_belongs_to_the_better_bin(dice: float, number: int) -> None:
    assert bin_of([dice]).tolist() == [number]


@pytest.mark.parametrize("edge", EDGES)
def test_a_dice_just_below_an_edge_belongs_to_the_worse_bin(edge: float) -> None:
    assert bin_of([np.nextafter(edge, 0)])[0] == bin_of([edge])[0] - 1


@given(st.floats(0, 1))
def test_failed_are_exactly_the_three_lowest_bins(dice: float) -> None:
    assert failed([dice])[0] == (bin_of([dice])[0] < 3)


@given(shares)
def test_the_expected_dice_lies_between_the_outer_midpoints(row: list[float]) -> None:
    assert 0.1 - 1e-9 <= expected_dice(as_probabilities(row))[0] <= 0.9 + 1e-9


@given(shares, st.floats(0, 5), st.floats(-5, 5))
def test_calibrated_bins_sum_to_one_and_carry_the_calibrated_failure(
    row: list[float], slope: float, intercept: float
) -> None:
    calibration = PlattCalibration(method="platt", slope=slope, intercept=intercept)
    bins = as_probabilities(row)
    scaled = rescale(bins, calibration)
    assert scaled.min() >= 0
    assert scaled.sum() == pytest.approx(1)
    assert failure_mass(scaled)[0] == pytest.approx(failure_of(logit(failure_mass(bins)), calibration)[0])


@given(shares)
def test_a_calibration_that_changes_nothing_keeps_the_bins(row: list[float]) -> None:
    bins = as_probabilities(row)
    kept = rescale(bins, PlattCalibration(method="platt", slope=1.0, intercept=0.0))
    np.testing.assert_allclose(kept, bins, atol=1e-5)


@given(st.floats(-1000, 1000))
def test_the_sigmoid_never_overflows_and_is_symmetric(value: float) -> None:
    assert sigmoid(np.array([value]))[0] + sigmoid(np.array([-value]))[0] == pytest.approx(1)


@given(st.floats(0, 1), st.lists(st.floats(-1, 1), min_size=1, max_size=20))
def test_a_spread_prediction_counts_each_residual_once(dice: float, residuals: list[float]) -> None:
    bins = spread(np.array([dice]), np.array(residuals))
    truths = bin_of(np.clip(dice + np.array(residuals), 0, 1))
    np.testing.assert_allclose(bins[0], np.bincount(truths, minlength=COUNT) / len(residuals))
