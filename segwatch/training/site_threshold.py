"""The threshold that a site's reviews choose, and what it flags of patients left out."""

from dataclasses import dataclass

import numpy as np

from segwatch.arrays import Flags, Floats, Texts
from segwatch.scoring.threshold import Threshold


@dataclass(frozen=True)
class Criterion:
    """What a threshold must do: find a share of the failures, or cost least if a miss costs `cost` alarms."""

    target: float | None
    cost: float | None = None

    @classmethod
    def of(cls, threshold: Threshold) -> "Criterion":
        """That by which a threshold was chosen."""
        return cls(threshold.target_sensitivity, threshold.cost_of_a_miss)


def threshold_here(failure: Floats, failed: Flags, weights: Floats, criterion: Criterion) -> float | None:
    """The highest probability of failure that does what the criterion asks of a site's reviews.

    It lies midway to the next lower probability: the reviews are few, and a failure that looks a little
    better than theirs is to be found as well.

    Args:
        failure: probabilities (n,), NaN of undefined studies, which are flagged whatever the threshold is.
        failed, weights: whether each has failed (n,), and how many studies it stands for (n,).

    Returns:
        None where there is no failed or no good study that has a probability.
    """
    there = np.isfinite(failure)
    failure, failed, weights = failure[there], failed[there], weights[there]
    if failed.all() or not failed.any():
        return None
    levels = np.unique(failure)
    flags = failure >= levels[:, None]
    found = (flags & failed) @ weights
    if criterion.cost is not None:
        costs = (flags & ~failed) @ weights + criterion.cost * (weights[failed].sum() - found)
        best = int(np.flatnonzero(costs <= costs.min() + 1e-9).max())
    else:
        wanted = (criterion.target or 0.0) * weights[failed].sum()
        best = int(np.flatnonzero(found >= wanted - 1e-9).max())
    return float(levels[max(best - 1, 0) : best + 1].mean())


def flags_left_out(
    failure: Floats, failed: Flags, weights: Floats, patients: Texts, criterion: Criterion, otherwise: float
) -> Flags:
    """Whether each study (n,) is flagged by the threshold that the other patients' studies choose.

    Args:
        failure, failed, weights, criterion: as `threshold_here` takes them.
        otherwise: the threshold where the others choose none.
    """
    flags = np.empty(len(failure), dtype=np.bool_)
    for patient in np.unique(patients):
        out = patients == patient
        chosen = threshold_here(failure[~out], failed[~out], weights[~out], criterion)
        flags[out] = flags_at(failure[out], otherwise if chosen is None else chosen)
    return flags


def flags_at(failure: Floats, threshold: float) -> Flags:
    """Whether each study (n,) is predicted failed; undefined ones (NaN) are."""
    return np.asarray(np.isnan(failure) | (failure >= threshold), dtype=np.bool_)
