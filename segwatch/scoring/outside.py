"""Whether a study is like what the scorer was trained on: its Mahalanobis distance to the cohort.

A distance that needs only means and correlations is taken, so that no study of the training cohort has to
travel in the bundle. Source: Mahalanobis (1936); Lee et al. (2018), arXiv:1807.03888, for its use on inputs
that a model does not know. Beside it the scorer knows what error it must expect of itself, since a study can
be near the cohort and yet be misjudged.
"""

from collections.abc import Sequence

import numpy as np

from segwatch.arrays import Flags, Floats
from segwatch.scoring.columns import ColumnStatistics
from segwatch.scoring.region import Doubt, Region

FARTHEST = 1e6
"""Features are cut at this many standard deviations, far outside, so that no model's arithmetic overflows."""


def distance(standardised: Floats, precision: Floats) -> Floats:
    """The distance, in standard deviations, of standardised features (n, f) from the cohort's centre."""
    squared = np.einsum("nf,fg,ng->n", standardised, precision, standardised)
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)), dtype=np.float64)


def standardise(values: Floats, spreads: Sequence[ColumnStatistics]) -> Floats:
    """Columns (n, f) or one row (f,) in standard deviations from the training cohort's means."""
    means, sds = _statistics(spreads)
    return np.clip((values - means) / sds, -FARTHEST, FARTHEST)


def cut_at_farthest(values: Floats, spreads: Sequence[ColumnStatistics]) -> Floats:
    """The same values, none of them farther than `FARTHEST` standard deviations."""
    means, sds = _statistics(spreads)
    return np.asarray(means + standardise(values, spreads) * sds, dtype=np.float64)


def distance_of(standardised: Floats, region: Region) -> float:
    """The distance of one study's standardised columns (f,)."""
    return float(distance(standardised[None, :], np.array(region.precision))[0])


def doubt_columns(standardised: Floats, dice: Floats, limit: float) -> Floats:
    """What a doubt reads (n, 2 t + 2) of standardised columns (n, t) and predicted Dice (n,).

    A measure that is strange says more of the error where the prediction is middling, so it is read twice.
    """
    unsure = 4.0 * dice * (1.0 - dice)
    near = np.clip(standardised, -limit, limit)
    return np.column_stack([near, near * unsure[:, None], dice, unsure])


def expected_error(standardised: Floats, dice: Floats, doubt: Doubt) -> Floats:
    """The error of the predicted Dice (n,) that the scorer must expect of itself."""
    read = doubt_columns(standardised, dice, doubt.limit)
    return np.asarray(read @ np.array(doubt.weights) + doubt.intercept, dtype=np.float64)


def is_doubtful(standardised: Floats, dice: Floats, region: Region) -> Flags:
    """Whether the scorer must expect a large error of itself (n,); of a scorer without doubt never."""
    if region.doubt is None:
        return np.zeros(len(dice), dtype=np.bool_)
    return np.asarray(expected_error(standardised, dice, region.doubt) > region.doubt.bound, dtype=np.bool_)


def _statistics(spreads: Sequence[ColumnStatistics]) -> tuple[Floats, Floats]:
    return np.array([part.mean for part in spreads]), np.array([part.sd for part in spreads])
