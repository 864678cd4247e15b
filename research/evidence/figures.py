"""What is reported of predictions, each figure with a 95 % interval that resamples patients."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from segwatch.arrays import Floats, Texts
from segwatch.contracts.quality import FAILED_BELOW
from segwatch.statistics.figures import auroc, binary_specificity, mae, sensitivity
from segwatch.statistics.verdicts import Judged

RESAMPLES = 500
TRUE_DICE_FROM = 0.3
"""Below, a mask is so bad that telling it apart is easy: figures without those say what is left."""
Measure = Callable[[Judged], float | None]


@dataclass(frozen=True)
class Estimate:
    """A value and its interval; None where a set cannot give it."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.value is None:
            return "–"
        interval = "" if self.low is None or self.high is None else f" [{self.low:.2f}, {self.high:.2f}]"
        return f"{self.value:.3f}{interval}"


def auroc_of_better(judged: Judged) -> float | None:
    """AUROC over studies of true Dice 0.3 or more."""
    return auroc(judged.rows(judged.dice >= TRUE_DICE_FROM))


def spearman(judged: Judged) -> float | None:
    """Rank correlation of predicted and true Dice, over studies that have a prediction."""
    there = np.isfinite(judged.predicted)
    return rank_correlation(judged.predicted[there], judged.dice[there])


def rank_correlation(one: Floats, other: Floats) -> float | None:
    """Spearman's; None where one of them does not vary."""
    if len(one) < 3 or not np.ptp(one) or not np.ptp(other):
        return None
    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])


def flagged_good(judged: Judged) -> float | None:
    """How many good masks are flagged."""
    return float((judged.flagged & (judged.dice >= FAILED_BELOW)).sum())


MEASURES: Mapping[str, Measure] = {
    "auroc": auroc,
    "auroc_from_0.3": auroc_of_better,
    "sensitivity": sensitivity,
    "specificity": binary_specificity,
    "mae": mae,
    "spearman": spearman,
}


def measured(
    judged: Judged, patients: Texts, measures: Mapping[str, Measure] = MEASURES, seed: int = 0
) -> dict[str, Estimate]:
    """Every measure with its interval over resampled patients (n,); none where half of them lack it."""
    draw = np.random.default_rng(seed)
    rows = [np.flatnonzero(patients == name) for name in np.unique(patients)]
    drawn: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(RESAMPLES):
        chosen = np.concatenate([rows[place] for place in draw.integers(len(rows), size=len(rows))])
        again = judged.rows(chosen)
        for name, measure in measures.items():
            value = measure(again)
            if value is not None:
                drawn[name].append(value)
    return {name: _figure(measure(judged), drawn[name]) for name, measure in measures.items()}


def _figure(value: float | None, drawn: list[float]) -> Estimate:
    if value is None or 2 * len(drawn) < RESAMPLES:
        return Estimate(value)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(value, float(low), float(high))
