"""95 % intervals that resample patients, since studies of one patient are no independent evidence."""

import numpy as np

from services.evaluation.cohort import Texts
from services.evaluation.metrics import FIGURES, Figures, Judged, figures

RESAMPLES = 1000
COVERAGE = 0.95

Interval = tuple[float, float]


def patient_intervals(
    judged: Judged, patients: Texts, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Interval | None]:
    """Percentile intervals of every figure over a set's patients (n,), drawn with replacement.

    The model is kept as it is. None where a figure is not defined in at least half of the resamples.
    """
    generator = np.random.default_rng(seed)
    names, owner = np.unique(patients, return_inverse=True)
    rows = [np.flatnonzero(owner == number) for number in range(len(names))]
    drawn: list[Figures] = []
    for _ in range(resamples):
        chosen = generator.integers(len(names), size=len(names))
        drawn.append(figures(judged.rows(np.concatenate([rows[number] for number in chosen]))))
    return {name: _percentiles([figure[name] for figure in drawn]) for name in FIGURES}


def _percentiles(values: list[float | None]) -> Interval | None:
    known = [value for value in values if value is not None]
    if 2 * len(known) < len(values):
        return None
    tail = 100 * (1 - COVERAGE) / 2
    low, high = np.percentile(known, [tail, 100 - tail])
    return float(low), float(high)
