"""The figures of many resamples at once: the definitions of `metrics.py` with a weight for each study.

A resample's weight says how often a study was drawn. What a set cannot give is NaN here (None in `metrics`).
Arrays are (r, n) for r resamples of n studies; predictions that all resamples share are (1, n).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from segwatch.cohorts.table import Flags
from segwatch.scoring.bins import COUNT, Bins, Floats, bin_of, failed
from segwatch.statistics.figures import Judged

FIGURES = (
    "sensitivity",
    "bin_specificity_micro",
    "binary_specificity",
    "ppv",
    "auroc",
    "accuracy",
    "mae",
    "mae_std",
    "mae_authors_code",
    "bias",
)


@dataclass(frozen=True)
class Made:
    """What r resamples make of n studies: as in `Judged`, and the Dice that the authors' code gives."""

    bins: Bins
    predicted: Floats
    flagged: Flags
    score: Floats
    authors: Floats

    @classmethod
    def of(cls, judged: Judged, authors: Floats) -> "Made":
        """One set of predictions that all resamples share."""
        return cls(
            judged.bins[None], judged.predicted[None], judged.flagged[None], judged.score[None], authors[None]
        )

    def columns(self, chosen: Flags) -> "Made":
        """The chosen studies (n,)."""
        return Made(
            self.bins[:, chosen],
            self.predicted[:, chosen],
            self.flagged[:, chosen],
            self.score[:, chosen],
            self.authors[:, chosen],
        )

    def first(self, dice: Floats) -> Judged:
        """The first resample as one judgement, beside the true Dice (n,)."""
        return Judged(dice, self.bins[0], self.predicted[0], self.flagged[0], self.score[0])


def figures(dice: Floats, made: Made, weights: Floats) -> Mapping[str, Floats]:
    """Every figure (r,) of studies with true Dice (n,) and weights (r, n)."""
    truly, true_bins = failed(dice), bin_of(dice)
    right = made.bins == true_bins
    # One against the rest: each study is a negative of four bins, and each wrong one a false positive once.
    accuracy = _share(right, weights)
    error, with_error = _errors(made.predicted, dice, weights)
    absolute = np.abs(error)
    mae = _mean(absolute, with_error)
    authors, with_authors = _errors(made.authors, dice, weights)
    variance = _mean((absolute - mae[:, None]) ** 2, with_error)
    values = {
        "sensitivity": _share(made.flagged, weights * truly),
        "bin_specificity_micro": (COUNT - 2 + accuracy) / (COUNT - 1),
        "binary_specificity": _share(~made.flagged, weights * ~truly),
        "ppv": _share(np.broadcast_to(truly, made.flagged.shape), weights * made.flagged),
        "auroc": auroc(truly, made.score, weights),
        "accuracy": accuracy,
        "mae": mae,
        "mae_std": np.sqrt(variance),
        "mae_authors_code": _mean(np.abs(authors), with_authors),
        "bias": _mean(error, with_error),
    }
    return {name: values[name] for name in FIGURES}


def auroc(truly: Flags, score: Floats, weights: Floats) -> Floats:
    """The chance (r,) that a failed study scores higher than a good one, ties counting half.

    Args:
        truly: (n,). score: (1, n) or (r, n). weights: (r, n).
    """
    order = np.argsort(score, axis=1, kind="stable")
    ordered = np.take_along_axis(score, order, axis=1)
    is_failed = truly[order]
    weights = weights[:, order[0]] if len(order) == 1 else np.take_along_axis(weights, order, axis=1)
    good = np.cumsum(weights * ~is_failed, axis=1)
    below = np.concatenate([np.zeros((len(good), 1)), good[:, :-1]], axis=1)
    first, last = _ties(ordered)
    if len(order) == 1:
        rank = (below[:, first[0]] + good[:, last[0]]) / 2
    else:
        rank = (np.take_along_axis(below, first, axis=1) + np.take_along_axis(good, last, axis=1)) / 2
    mass = weights * is_failed
    return _ratio((mass * rank).sum(axis=1), mass.sum(axis=1) * good[:, -1])


def _ties(ordered: Floats) -> tuple[Bins, Bins]:
    """The first and the last place of each value among its equals, in rows that ascend."""
    n = ordered.shape[1]
    place = np.broadcast_to(np.arange(n), ordered.shape)
    new = np.ones(ordered.shape, dtype=np.bool_)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = np.maximum.accumulate(np.where(new, place, 0), axis=1)
    ends = np.ones(ordered.shape, dtype=np.bool_)
    ends[:, :-1] = new[:, 1:]
    last = np.minimum.accumulate(np.where(ends, place, n)[:, ::-1], axis=1)[:, ::-1]
    return first, last


def _errors(predicted: Floats, dice: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Predicted minus true, 0 where undefined, and the weights without undefined studies."""
    known = ~np.isnan(predicted)
    return np.where(known, predicted - dice, 0.0), weights * known


def _share(flags: Flags, weights: Floats) -> Floats:
    return _mean(flags.astype(np.float64), weights)


def _mean(values: Floats, weights: Floats) -> Floats:
    return _ratio((values * weights).sum(axis=1), weights.sum(axis=1))


def _ratio(above: Floats, below: Floats) -> Floats:
    ratio = np.full(len(below), np.nan)
    np.divide(above, below, out=ratio, where=below > 0)
    return ratio
