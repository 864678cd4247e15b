"""How often intervals hold the true Dice: over all studies, and of each patient."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segwatch.cohorts.table import Texts
from segwatch.scoring.bins import Floats
from segwatch.statistics.conformal import JUDGED_PATIENT
from segwatch.statistics.dice_intervals import Ends
from segwatch.statistics.patient_intervals import RESAMPLES, Interval, percentiles

FEWEST_JUDGED = 5
"""The worst of fewer patients has no interval over patients."""


@dataclass(frozen=True)
class Coverage:
    """Of the studies that have an interval and are not outside. None where there is no such study.

    Attributes:
        n: how many those are. half_width: half their intervals' width, on average.
        covered: the share whose interval holds the true Dice.
        worst_patient: the lowest share of a patient with five of them or more.
        patients: of every patient how many, and the share; the worst first.
        outside: the share of all studies that are outside.
        covered_ci, worst_patient_ci: 95 %, patients resampled; the lower end of the second is never below the
            worst patient seen.
    """

    n: int
    half_width: float | None
    covered: float | None
    worst_patient: float | None
    patients: tuple[tuple[int, float], ...]
    outside: float | None
    covered_ci: Interval | None
    worst_patient_ci: Interval | None


def coverage(ends: Ends, dice: Floats, patients: Texts, resamples: int = RESAMPLES) -> Coverage:
    """Coverage of studies with true Dice (n,), whose patients are (n,)."""
    there = np.isfinite(ends.low) & ~ends.outside
    outside = float(ends.outside.mean()) if len(dice) else None
    if not there.any():
        return Coverage(0, None, None, None, (), outside, None, None)
    low, high, true = ends.low[there], ends.high[there], dice[there]
    held = (low - 1e-12 <= true) & (true <= high + 1e-12)
    names, owner = np.unique(patients[there], return_inverse=True)
    counts = np.bincount(owner, minlength=len(names))
    hits = np.bincount(owner, weights=held, minlength=len(names))
    shares = hits / counts
    judged = counts >= JUDGED_PATIENT
    drawn = np.random.default_rng(0).integers(len(names), size=(resamples, len(names)))
    order = np.lexsort((counts, shares))
    return Coverage(
        n=int(there.sum()),
        half_width=float((high - low).mean() / 2),
        covered=float(held.mean()),
        worst_patient=float(shares[judged].min()) if judged.any() else None,
        patients=tuple((int(counts[one]), float(shares[one])) for one in order),
        outside=outside,
        covered_ci=percentiles(hits[drawn].sum(axis=1) / counts[drawn].sum(axis=1)),
        worst_patient_ci=_worst(np.where(judged, shares, np.inf), drawn)
        if judged.sum() >= FEWEST_JUDGED
        else None,
    )


def _worst(shares: Floats, drawn: NDArray[np.int64]) -> Interval | None:
    lowest = shares[drawn].min(axis=1)
    return percentiles(np.where(np.isfinite(lowest), lowest, np.nan))
