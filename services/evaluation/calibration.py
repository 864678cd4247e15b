"""What turns a fitted model into a served scorer, all from predictions out of fold."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from services.evaluation.cohort import Cohort, Flags
from services.evaluation.folds import splits
from services.scoring.bins import Floats
from services.scoring.manifest import Interval, PlattCalibration, Region, ResidualCalibration, Threshold
from services.scoring.outside import distance
from services.scoring.predict import logit, sigmoid

TARGET_SENSITIVITY = 0.9
COVERAGE = 0.8
OUTSIDE_QUANTILE = 0.99
SHRINKAGE = 0.01
"""Weight of the identity in the correlation matrix: features that go together must not explode distances."""


def fit_platt(mass: Floats, is_failed: Flags) -> PlattCalibration:
    """The sigmoid that turns the mass of the failed bins (n,) into a probability of failure.

    Targets are smoothed, so that separable data give a finite slope; a slope below 0 is not allowed, since
    it would turn the model round. Source: Platt (1999), section 2.2.
    """
    positives = int(is_failed.sum())
    negatives = len(is_failed) - positives
    target = np.where(is_failed, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    score = logit(mass)

    def loss(parameters: Floats) -> tuple[float, Floats]:
        line = parameters[0] * score + parameters[1]
        value = float(np.sum(np.logaddexp(0.0, line) - target * line))
        slope = sigmoid(line) - target
        return value, np.array([np.sum(slope * score), np.sum(slope)])

    start = np.array([1.0, 0.0])
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0.0, None), (None, None)])
    return PlattCalibration(method="platt", slope=float(best.x[0]), intercept=float(best.x[1]))


def fit_residuals(residuals: Floats) -> ResidualCalibration:
    """A regressor's errors (true minus predicted, out of fold) as 101 quantiles."""
    quantiles = np.quantile(residuals, np.linspace(0.0, 1.0, 101))
    return ResidualCalibration(method="residuals", quantiles=tuple(np.maximum.accumulate(quantiles).tolist()))


def choose_threshold(failure: Floats, is_failed: Flags, target: float = TARGET_SENSITIVITY) -> Threshold:
    """The highest threshold that finds at least the target's share of the failures."""
    found_first = np.sort(failure[is_failed])[::-1]
    needed = int(np.ceil(target * len(found_first) - 1e-9))
    threshold = float(found_first[max(needed, 1) - 1])
    flagged = failure >= threshold
    return Threshold(
        failure_probability=threshold,
        target_sensitivity=target,
        cross_validated_sensitivity=float(flagged[is_failed].mean()),
        cross_validated_specificity=float((~flagged[~is_failed]).mean()),
    )


def conformal_interval(residuals: Floats, coverage: float = COVERAGE) -> Interval:
    """Quantiles of the residuals (n,) between which a new study's lies with at least the coverage.

    Split-conformal ranks with (n + 1), each tail on its own; holds for studies of new patients that are
    like the cohort's. Source: Vovk et al. (2005); Romano et al. (2019), arXiv:1905.03222.
    """
    ordered = np.sort(residuals)
    tail = (1.0 - coverage) / 2.0
    above = min(int(np.ceil((1.0 - tail) * (len(ordered) + 1))), len(ordered))
    return Interval(
        coverage=coverage, low=float(ordered[len(ordered) - above]), high=float(ordered[above - 1])
    )


def fit_region(cohort: Cohort, folds: NDArray[np.int64], quantile: float = OUTSIDE_QUANTILE) -> Region:
    """Where the cohort lies, with the bound that the given share of its rows keeps to when held out."""
    distances = np.empty(len(cohort))
    for learn, held_out in splits(folds):
        known = cohort.values[learn]
        sds = np.where(known.std(axis=0) > 0, known.std(axis=0), 1.0)
        precision = _precision((known - known.mean(axis=0)) / sds)
        distances[held_out] = distance((cohort.values[held_out] - known.mean(axis=0)) / sds, precision)
    values = cohort.values
    precision = _precision((values - values.mean(axis=0)) / values.std(axis=0))
    return Region(
        quantile=quantile,
        bound=float(np.quantile(distances, quantile, method="higher")),
        precision=tuple(tuple(row) for row in precision.tolist()),
    )


def _precision(standardised: Floats) -> Floats:
    """The inverse of the shrunk correlation matrix (f, f), symmetric to the last bit."""
    width = standardised.shape[1]
    correlation = standardised.T @ standardised / len(standardised)
    inverse = np.linalg.inv((1 - SHRINKAGE) * correlation + SHRINKAGE * np.eye(width))
    return np.asarray((inverse + inverse.T) / 2, dtype=np.float64)
