"""What turns a fitted model into a served scorer, all from predictions out of fold."""

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression

from segwatch.arrays import Flags, Floats, Integers
from segwatch.cohorts.table import Cohort
from segwatch.scoring.calibrated import IsotonicCalibration, PlattCalibration, ResidualCalibration
from segwatch.scoring.outside import distance
from segwatch.scoring.predict import sigmoid
from segwatch.scoring.region import Region
from segwatch.scoring.threshold import Threshold
from segwatch.scoring.training_results import FailureDensities
from segwatch.training.models import splits

TARGET_SENSITIVITY = 0.9
OUTSIDE_QUANTILE = 0.99
MOST_CELLS, ROWS_A_CELL = 20, 5
SHRINKAGE = 0.01
"""Weight of the identity in the correlation matrix: features that go together must not explode distances."""

Quantiles = tuple[float, ...] | None


def fit_sigmoid(danger: Floats, is_failed: Flags, quantiles: Quantiles = None) -> PlattCalibration:
    """The sigmoid of a danger (n,), see `segwatch.scoring.predict.danger`.

    Targets are smoothed, so that separable data give a finite slope; a slope below 0 is not allowed, since
    it would turn the model round. Source: Platt (1999), section 2.2.
    """
    target = _smoothed(is_failed)

    def loss(parameters: Floats) -> tuple[float, Floats]:
        line = parameters[0] * danger + parameters[1]
        value = float(np.sum(np.logaddexp(0.0, line) - target * line))
        slope = sigmoid(line) - target
        return value, np.array([np.sum(slope * danger), np.sum(slope)])

    start = np.array([1.0, 0.0])
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0.0, None), (None, None)])
    return PlattCalibration(
        method="platt", slope=float(best.x[0]), intercept=float(best.x[1]), quantiles=quantiles
    )


def fit_isotonic(danger: Floats, is_failed: Flags, quantiles: Quantiles = None) -> IsotonicCalibration:
    """The blocks of isotonic regression of the failures, level within a block and a line between two.

    Smoothed as Platt's targets are, since no study fails for certain. Source: Zadrozny and Elkan (2002).
    """
    danger = np.round(danger, 9)  # scikit-learn divides by differences that may be denormal
    fitted = IsotonicRegression().fit_transform(danger, _smoothed(is_failed))
    levels, block = np.unique(fitted, return_inverse=True)
    bounds = [(danger[block == each].min(), danger[block == each].max()) for each in range(len(levels))]
    return IsotonicCalibration(
        method="isotonic",
        danger=tuple(float(end) for both in bounds for end in both),
        failure=tuple(np.repeat(np.clip(levels, 0.0, 1.0), 2).tolist()),
        quantiles=quantiles,
    )


def _smoothed(is_failed: Flags) -> Floats:
    positives = int(is_failed.sum())
    negatives = len(is_failed) - positives
    return np.where(is_failed, (positives + 1) / (positives + 2), 1 / (negatives + 2))


def failure_densities(failure: Floats, is_failed: Flags) -> FailureDensities | None:
    """The histograms of failure probabilities (n,) among failed and good rows; None where a kind is missing.

    Cells hold as many rows each as far as equal probabilities allow, and several of the rarer kind.
    """
    rarer = min(int(is_failed.sum()), int((~is_failed).sum()))
    cells = min(MOST_CELLS, max(2, rarer // ROWS_A_CELL))
    edges = np.unique(np.quantile(failure, np.arange(1, cells) / cells))
    edges = edges[edges > failure.min()]
    if not rarer or not len(edges):
        return None
    cell = np.searchsorted(edges, failure, side="right")
    failed, good = (np.bincount(cell[kind], minlength=len(edges) + 1) for kind in (is_failed, ~is_failed))
    return FailureDensities(
        edges=tuple(edges.tolist()), failed=tuple(failed.tolist()), good=tuple(good.tolist())
    )


def fit_residuals(residuals: Floats) -> ResidualCalibration:
    """A regressor's errors (true minus predicted, out of fold) as 101 quantiles."""
    return ResidualCalibration(method="residuals", quantiles=quantiles_of(residuals))


def quantiles_of(residuals: Floats) -> tuple[float, ...]:
    """101 quantiles of errors (n,), ascending."""
    quantiles = np.quantile(residuals, np.linspace(0.0, 1.0, 101))
    return tuple(np.maximum.accumulate(quantiles).tolist())


def choose_threshold(failure: Floats, is_failed: Flags, target: float = TARGET_SENSITIVITY) -> Threshold:
    """The highest threshold that finds at least the target's share of the failures."""
    found_first = np.sort(failure[is_failed])[::-1]
    needed = int(np.ceil(target * len(found_first) - 1e-9))
    threshold = float(found_first[max(needed, 1) - 1])
    return _threshold(threshold, failure, is_failed, target=target)


def cheapest_threshold(failure: Floats, is_failed: Flags, cost_of_a_miss: float) -> Threshold:
    """The threshold with the least cost, where a missed failure costs as much as so many false alarms.

    The highest of those that cost the same, since false alarms tire those who look.
    """
    order = np.argsort(-failure, kind="stable")
    last = np.flatnonzero(np.append(np.diff(failure[order]) != 0, True))
    alarms = np.cumsum(~is_failed[order])[last]
    missed = is_failed.sum() - np.cumsum(is_failed[order])[last]
    best = int(np.argmin(alarms + cost_of_a_miss * missed))
    return _threshold(float(failure[order][last[best]]), failure, is_failed, cost=cost_of_a_miss)


def _threshold(
    threshold: float,
    failure: Floats,
    is_failed: Flags,
    *,
    target: float | None = None,
    cost: float | None = None,
) -> Threshold:
    flagged = failure >= threshold
    return Threshold(
        failure_probability=threshold,
        target_sensitivity=target,
        cost_of_a_miss=cost,
        cross_validated_sensitivity=float(flagged[is_failed].mean()),
        cross_validated_specificity=float((~flagged[~is_failed]).mean()),
    )


def fit_region(cohort: Cohort, folds: Integers, quantile: float = OUTSIDE_QUANTILE) -> Region:
    """Where the cohort lies, with the bound that the given share of its rows keeps to when held out."""
    distances = np.empty(len(cohort))
    for learn, held_out in splits(folds):
        standard = _standard(cohort.values[learn])
        precision = _precision(standard(cohort.values[learn]))
        distances[held_out] = distance(standard(cohort.values[held_out]), precision)
    precision = _precision(_standard(cohort.values)(cohort.values))
    return Region(
        quantile=quantile,
        bound=float(np.quantile(distances, quantile, method="higher")),
        precision=tuple(tuple(row) for row in precision.tolist()),
    )


def _standard(known: Floats) -> Callable[[Floats], Floats]:
    """Values (n, f) in the mean and spread of the known ones; a column that does not vary keeps its unit."""
    mean, sd = known.mean(axis=0), known.std(axis=0)
    sd = np.where(sd > 0, sd, 1.0)
    return lambda values: np.asarray((values - mean) / sd)


def _precision(standardised: Floats) -> Floats:
    """The inverse of the shrunk correlation matrix (f, f), symmetric to the last bit."""
    width = standardised.shape[1]
    correlation = standardised.T @ standardised / len(standardised)
    inverse = np.linalg.inv((1 - SHRINKAGE) * correlation + SHRINKAGE * np.eye(width))
    return np.asarray((inverse + inverse.T) / 2, dtype=np.float64)
