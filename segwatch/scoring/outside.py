"""Whether a study is like what the scorer was trained on: its Mahalanobis distance to the cohort.

A distance that needs only means and correlations is taken, so that no study of the training cohort has to
travel in the bundle. Source: Mahalanobis (1936); Lee et al. (2018), arXiv:1807.03888, for its use on
inputs that a model does not know.
"""

from collections.abc import Sequence

import numpy as np

from segwatch.arrays import Floats
from segwatch.scoring.manifest import Region, Spread

FARTHEST = 1e6
"""Features are cut at this many standard deviations, far outside, so that no model's arithmetic overflows."""


def distance(standardised: Floats, precision: Floats) -> Floats:
    """The distance, in standard deviations, of standardised features (n, f) from the cohort's centre."""
    squared = np.einsum("nf,fg,ng->n", standardised, precision, standardised)
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)), dtype=np.float64)


def standardise(values: Floats, spreads: Sequence[Spread]) -> Floats:
    """Columns (n, f) or one row (f,) in standard deviations from the training cohort's means."""
    means, sds = _statistics(spreads)
    return np.clip((values - means) / sds, -FARTHEST, FARTHEST)


def cut_at_farthest(values: Floats, spreads: Sequence[Spread]) -> Floats:
    """The same values, none of them farther than `FARTHEST` standard deviations."""
    means, sds = _statistics(spreads)
    return np.asarray(means + standardise(values, spreads) * sds, dtype=np.float64)


def distance_of(standardised: Floats, region: Region) -> float:
    """The distance of one study's standardised columns (f,)."""
    return float(distance(standardised[None, :], np.array(region.precision))[0])


def _statistics(spreads: Sequence[Spread]) -> tuple[Floats, Floats]:
    return np.array([part.mean for part in spreads]), np.array([part.sd for part in spreads])
