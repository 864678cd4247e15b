"""Intervals of predicted Dice, and how often they hold the true one: of all studies, and of each patient."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from segwatch.arrays import Flags, Floats, Integers, Texts
from segwatch.contracts.base import Contract
from segwatch.scoring.columns import ColumnStatistics
from segwatch.scoring.interval import Interval
from segwatch.scoring.outside import distance, is_doubtful, standardise
from segwatch.scoring.region import Region
from segwatch.statistics.conformal import JUDGED_PATIENT
from segwatch.statistics.resampling import RESAMPLES, Bounds, percentiles

FEWEST_JUDGED = 5
"""The worst of fewer patients has no interval over patients."""


@dataclass(frozen=True)
class DiceIntervals:
    """Of n studies the bounds (n,), 0 and 1 where outside, NaN where there is none; whether outside (n,)."""

    low: Floats
    high: Floats
    outside: Flags

    @classmethod
    def none(cls, n: int) -> "DiceIntervals":
        """Studies that have no interval yet."""
        return cls(np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, dtype=np.bool_))

    def rows(self, chosen: Any) -> "DiceIntervals":  # noqa: ANN401 - any index of numpy
        """The chosen studies."""
        return DiceIntervals(self.low[chosen], self.high[chosen], self.outside[chosen])

    def fill(self, where: Flags, predicted: Floats, interval: Interval, outside: Flags) -> None:
        """Put in the studies `where` (n,), of predicted Dice (m,), of which some are outside (m,)."""
        around = [interval.around(float(dice)) for dice in predicted]
        low, high = np.array(around, dtype=np.float64).reshape(-1, 2).T
        self.low[where], self.high[where] = np.where(outside, 0.0, low), np.where(outside, 1.0, high)
        self.outside[where] = outside


def is_outside(read: Floats, dice: Floats, spreads: tuple[ColumnStatistics, ...], region: Region) -> Flags:
    """Whether studies are outside (n,), by what the model reads (n, t) and their predicted Dice (n,)."""
    standardised = standardise(read, spreads)
    far = distance(standardised, np.array(region.precision)) > region.bound
    return np.asarray(far | is_doubtful(standardised, dice, region), dtype=np.bool_)


class PatientCoverage(Contract):
    """How many studies of a patient count, and the share whose interval holds the true Dice."""

    n: int
    covered: float


class Coverage(Contract):
    """Of the studies that have an interval and are not outside. None where there is no such study.

    Attributes:
        n: how many those are. half_width: half their intervals' width, on average.
        covered: the share whose interval holds the true Dice.
        worst_patient: the lowest share of a patient with five of them or more.
        patients: every patient without name, the worst first.
        outside: the share of all studies that are outside.
        covered_ci, worst_patient_ci: 95 %, patients resampled; the lower end of the second is never below the
            worst patient seen.
    """

    n: int
    half_width: float | None
    covered: float | None
    worst_patient: float | None
    patients: tuple[PatientCoverage, ...]
    outside: float | None
    covered_ci: Bounds | None
    worst_patient_ci: Bounds | None


def coverage(intervals: DiceIntervals, dice: Floats, patients: Texts, resamples: int = RESAMPLES) -> Coverage:
    """Coverage of studies with true Dice (n,), whose patients are (n,)."""
    there = np.isfinite(intervals.low) & ~intervals.outside
    outside = float(intervals.outside.mean()) if len(dice) else None
    if not there.any():
        return Coverage(
            n=0,
            half_width=None,
            covered=None,
            worst_patient=None,
            patients=(),
            outside=outside,
            covered_ci=None,
            worst_patient_ci=None,
        )
    low, high, true = intervals.low[there], intervals.high[there], dice[there]
    hit = (low - 1e-12 <= true) & (true <= high + 1e-12)
    names, owner = np.unique(patients[there], return_inverse=True)
    counts = np.bincount(owner, minlength=len(names))
    hits = np.bincount(owner, weights=hit, minlength=len(names))
    shares = hits / counts
    judged = counts >= JUDGED_PATIENT
    drawn = np.random.default_rng(0).integers(len(names), size=(resamples, len(names)))
    order = np.lexsort((counts, shares))
    return Coverage(
        n=int(there.sum()),
        half_width=float((high - low).mean() / 2),
        covered=float(hit.mean()),
        worst_patient=float(shares[judged].min()) if judged.any() else None,
        patients=tuple(PatientCoverage(n=int(counts[one]), covered=float(shares[one])) for one in order),
        outside=outside,
        covered_ci=percentiles(hits[drawn].sum(axis=1) / counts[drawn].sum(axis=1)),
        worst_patient_ci=_worst(np.where(judged, shares, np.inf), drawn)
        if judged.sum() >= FEWEST_JUDGED
        else None,
    )


def _worst(shares: Floats, drawn: Integers) -> Bounds | None:
    lowest = shares[drawn].min(axis=1)
    return percentiles(np.where(np.isfinite(lowest), lowest, np.nan))
