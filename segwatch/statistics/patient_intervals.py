"""95 % intervals that resample patients, since studies of one patient are no independent evidence."""

from collections.abc import Mapping

import numpy as np

from segwatch.cohorts.table import Texts
from segwatch.scoring.bins import Floats
from segwatch.statistics import figures as metrics
from segwatch.statistics import figures_of_resamples as batch
from segwatch.statistics.figures import Judged

RESAMPLES = 1000
COVERAGE = 0.95

Interval = tuple[float, float]


def patient_intervals(
    judged: Judged, patients: Texts, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Interval | None]:
    """Percentile intervals of every figure over a set's patients (n,), drawn with replacement.

    The model is kept as it is. None where a figure is not defined in at least half of the resamples.
    """
    weights = patient_weights(patients, np.random.default_rng(seed), resamples)
    made = batch.Made.of(judged, judged.predicted)
    drawn = batch.figures(judged.dice, made, weights)
    return {name: percentiles(drawn[name]) for name in metrics.FIGURES}


def kept_model_intervals(
    dice: Floats, made: batch.Made, patients: Texts, *, resamples: int = RESAMPLES, seed: int = 0
) -> Mapping[str, Interval | None]:
    """The same for every figure of `batch`."""
    weights = patient_weights(patients, np.random.default_rng(seed), resamples)
    return {name: percentiles(drawn) for name, drawn in batch.figures(dice, made, weights).items()}


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


def percentiles(values: Floats) -> Interval | None:
    """The percentile interval of drawn figures (r,); None where fewer than half are defined."""
    known = values[~np.isnan(values)]
    if not len(values) or 2 * len(known) < len(values):
        return None
    tail = 100 * (1 - COVERAGE) / 2
    low, high = np.percentile(known, [tail, 100 - tail])
    return float(low), float(high)
