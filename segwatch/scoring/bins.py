"""The five quality bins of Dice: edges .2 .4 .6 .8, left-closed; the three lowest are failed.

Source: docs/architecture.md, the scorers. Dice and predictions are arrays (n,), probabilities (n, 5).
"""

import numpy as np
from numpy.typing import ArrayLike

from segwatch.arrays import Flags, Floats, Integers
from segwatch.contracts import quality

EDGES, COUNT, FAILED_BINS = quality.BIN_EDGES, quality.BINS, quality.FAILED_BINS


def bin_of(dice: ArrayLike) -> Integers:
    """The bin, 0 (worst) to 4 (best), of each Dice; a Dice on an edge belongs to the better bin.

    Examples:
        >>> bin_of([0.0, 0.2, 0.59, 0.6, 1.0]).tolist()
        [0, 1, 2, 3, 4]
    """
    return np.searchsorted(EDGES, np.asarray(dice, dtype=np.float64), side="right").astype(np.int64)


def failed(dice: ArrayLike) -> Flags:
    """Whether each Dice is a failure: below 0.6.

    Examples:
        >>> failed([0.59, 0.6]).tolist()
        [True, False]
    """
    return np.asarray(dice, dtype=np.float64) < quality.FAILED_BELOW


def expected_dice(probabilities: Floats) -> Floats:
    """The probability-weighted mean of the bins' midpoints, (..., 5) to (...)."""
    return np.asarray(probabilities @ np.asarray(quality.BIN_MIDPOINTS), dtype=np.float64)


def failure_mass(probabilities: Floats) -> Floats:
    """The probability of the three lowest bins, (..., 5) to (...), within [0, 1] despite rounding."""
    return np.asarray(np.clip(probabilities[..., :FAILED_BINS].sum(axis=-1), 0.0, 1.0), dtype=np.float64)


def spread(predicted: Floats, residuals: Floats) -> Floats:
    """Bin probabilities (n, 5) of predictions (n,) whose errors are spread as `residuals` (m,).

    Each residual (true minus predicted Dice, from cross-validation) is one equally likely truth.
    """
    truths = np.clip(predicted[:, None] + residuals[None, :], 0.0, 1.0)
    shares = [(bin_of(truths) == number).mean(axis=1) for number in range(COUNT)]
    return np.stack(shares, axis=1)
