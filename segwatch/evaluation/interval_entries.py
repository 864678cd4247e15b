"""What `report.json` says of the intervals of predicted Dice in each set."""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from segwatch.cohorts.table import Cohort, Flags
from segwatch.evaluation.fitted_intervals import FittedIntervals
from segwatch.evaluation.set_entries import Entry
from segwatch.statistics.conformal import COVERAGE, FEWEST_EFFECTIVE
from segwatch.statistics.coverage import coverage
from segwatch.statistics.dice_intervals import Ends


def interval_entries(
    cohort: Cohort, plain: Ends, nominal: float = COVERAGE, weighted: FittedIntervals | None = None
) -> dict[str, Entry]:
    """For each set how often the intervals hold; beside it, where there are weights, the weighted ones.

    Patients stand there without their names.
    """
    entries = {}
    for name in cohort.set_names:
        rows = np.asarray(cohort.sets == name, dtype=np.bool_)
        entry: Entry = {"nominal": nominal, **_of(cohort, rows, plain), "weighted": None}
        if weighted is not None and name in weighted.effective:
            entry["weighted"] = _weighted(cohort, rows, weighted, weighted.effective[name])
        entries[name] = entry
    return entries


def add_intervals(sets: Mapping[str, Entry], found: Mapping[str, Entry] | None) -> None:
    """Write them into the sets' entries, under `interval`; null where none could be made."""
    for name, entry in sets.items():
        entry["interval"] = None if found is None else found[name]


def _weighted(cohort: Cohort, rows: Flags, weighted: FittedIntervals, effective: float) -> Entry:
    """Weights that leave too few rows make no interval: the figures are null, and the rows say why."""
    ends = weighted.weighted
    if effective < FEWEST_EFFECTIVE:
        ends = Ends(np.full_like(ends.low, np.nan), np.full_like(ends.high, np.nan), weighted.plain.outside)
    return {"effective": effective, **_of(cohort, rows, ends)}


def _of(cohort: Cohort, rows: Flags, ends: Ends) -> Entry:
    found = asdict(coverage(ends.rows(rows), cohort.dice[rows], cohort.patients[rows]))
    found["patients"] = [{"n": n, "covered": share} for n, share in found["patients"]]
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}
