"""The figures of many resamples at once, and 95 % intervals that resample patients.

The definitions are those of `figures.py` with a weight for each study, which says how often it was drawn.
What a set cannot give is NaN here (None there). Studies of one patient are no independent evidence, so it is
patients that are drawn.
"""

from collections.abc import Mapping

import numpy as np

from segwatch.arrays import Flags, Floats, Texts
from segwatch.scoring.bins import COUNT, bin_of, failed
from segwatch.statistics.ranking import aurc, pearson, ratio, spearman, ties
from segwatch.statistics.verdicts import Judged

RESAMPLES = 1000
COVERAGE = 0.95
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
    "aurc_dice",
    "pearson",
    "spearman",
)

Bounds = tuple[float, float]
"""Of an interval."""


def figures_of_resamples(judged: Judged, weights: Floats) -> Mapping[str, Floats]:
    """Every figure (r,) of n studies under weights (r, n); the verdicts are (r, n), or (n,) for all."""
    dice = judged.dice
    bins, flagged = np.atleast_2d(judged.bins), np.atleast_2d(judged.flagged)
    predicted, score = np.atleast_2d(judged.predicted), np.atleast_2d(judged.score)
    authors = np.atleast_2d(judged.authors)
    truly = failed(dice)
    # One against the rest: each study is a negative of four bins, and each wrong one a false positive once.
    accuracy = _share(bins == bin_of(dice), weights)
    error, with_error = _errors(predicted, dice, weights)
    absolute = np.abs(error)
    mae = _mean(absolute, with_error)
    authors_error, with_authors = _errors(authors, dice, weights)
    variance = _mean((absolute - mae[:, None]) ** 2, with_error)
    values = {
        "sensitivity": _share(flagged, weights * truly),
        "bin_specificity_micro": (COUNT - 2 + accuracy) / (COUNT - 1),
        "binary_specificity": _share(~flagged, weights * ~truly),
        "ppv": _share(np.broadcast_to(truly, flagged.shape), weights * flagged),
        "auroc": _auroc(truly, score, weights),
        "accuracy": accuracy,
        "mae": mae,
        "mae_std": np.sqrt(variance),
        "mae_authors_code": _mean(np.abs(authors_error), with_authors),
        "bias": _mean(error, with_error),
        "aurc_dice": aurc(predicted, dice, weights),
        "pearson": pearson(predicted, dice, weights),
        "spearman": spearman(predicted, dice, weights),
    }
    return {name: values[name] for name in FIGURES}


def patient_intervals(
    judged: Judged, patients: Texts, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Bounds | None]:
    """Percentile intervals of every figure over a set's patients (n,), drawn with replacement.

    The model is the same in all. None where a figure is not defined in at least half of the resamples.
    """
    weights = patient_weights(patients, np.random.default_rng(seed), resamples)
    return {name: percentiles(drawn) for name, drawn in figures_of_resamples(judged, weights).items()}


def patient_weights(patients: Texts, generator: np.random.Generator, resamples: int) -> Floats:
    """How often each row (n,) is drawn when its patients are drawn with replacement: (resamples, n)."""
    names, owner = np.unique(patients, return_inverse=True)
    drawn = generator.integers(len(names), size=(resamples, len(names)))
    counts = np.zeros((resamples, len(names)))
    np.add.at(counts, (np.arange(resamples)[:, None], drawn), 1.0)
    return counts[:, owner]


def mean_over_patients(
    values: Floats, patients: Texts, *, resamples: int, tail: float, seed: int = 0
) -> tuple[float, float, float]:
    """The mean a study (n,), and its percentile interval over patients drawn with replacement.

    Args:
        values: of each study (n,).
        patients: whose it is (n,).
        resamples: how often patients are drawn.
        tail: per cent of the draws at either end.
        seed: of the draws.
    """
    names, owner = np.unique(patients, return_inverse=True)
    sums, counts = np.bincount(owner, weights=values), np.bincount(owner)
    drawn = np.random.default_rng(seed).integers(len(names), size=(resamples, len(names)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(values.mean()), float(low), float(high)


def percentiles(values: Floats) -> Bounds | None:
    """The percentile interval of drawn figures (r,); None where fewer than half are defined."""
    known = values[~np.isnan(values)]
    if not len(values) or 2 * len(known) < len(values):
        return None
    tail = 100 * (1 - COVERAGE) / 2
    low, high = np.percentile(known, [tail, 100 - tail])
    return float(low), float(high)


def _auroc(truly: Flags, score: Floats, weights: Floats) -> Floats:
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
    first, last = ties(ordered)
    if len(order) == 1:
        rank = (below[:, first[0]] + good[:, last[0]]) / 2
    else:
        rank = (np.take_along_axis(below, first, axis=1) + np.take_along_axis(good, last, axis=1)) / 2
    mass = weights * is_failed
    return ratio((mass * rank).sum(axis=1), mass.sum(axis=1) * good[:, -1])


def _errors(predicted: Floats, dice: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Predicted minus true, 0 where undefined, and the weights without undefined studies."""
    known = ~np.isnan(predicted)
    return np.where(known, predicted - dice, 0.0), weights * known


def _share(flags: Flags, weights: Floats) -> Floats:
    return _mean(flags.astype(np.float64), weights)


def _mean(values: Floats, weights: Floats) -> Floats:
    return ratio((values * weights).sum(axis=1), weights.sum(axis=1))
