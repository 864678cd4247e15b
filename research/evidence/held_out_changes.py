"""Intervals where the scan is changed in a way that the scorer has not met."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from research.evidence.tables import Making
from segwatch.arrays import Flags
from segwatch.cohorts.table import Cohort
from segwatch.statistics.coverage import Coverage, DiceIntervals, coverage
from segwatch.training.leave_patient_out import LeftOut

Judge = Callable[[Cohort, Cohort], LeftOut]
ALL_CHANGES = "all of these"


@dataclass(frozen=True)
class Away:
    """Intervals away from the cohort, as they are and weighted; the fewest rows that weights left.

    `effective` is NaN where nothing was weighted, or things apart were.
    """

    name: str
    plain: Coverage
    weighted: Coverage
    effective: float


def rows_by_change(made: Sequence[Making]) -> dict[str, Flags]:
    """For each kind of change, `none` among them, the rows (n,) whose scan was changed so; some by two."""
    of_rows = [{part.partition(":")[0] for part in str(row["made_changes"]).split("+")} for row in made]
    names = sorted(set().union(*of_rows))
    return {name: np.array([name in row for row in of_rows], dtype=np.bool_) for name in names}


def away(name: str, made: LeftOut, rows: Cohort) -> Away:
    """How often the intervals of rows from elsewhere hold."""
    return Away(
        name,
        coverage(made.intervals, rows.dice, rows.patients),
        coverage(made.weighted, rows.dice, rows.patients),
        float(made.effective.min()),
    )


def held_out_changes(cohort: Cohort, made: Sequence[Making], judge: Judge) -> list[Away]:
    """Each kind of change judged by scorers that met neither it nor the patient; last, all of them together.

    Args:
        cohort: its rows are made as `made` says.
        judge: what scorers that learnt from the first rows without a patient make of theirs among the second.
    """
    found, parts = [], []
    for name, changed in rows_by_change(made).items():
        rows = cohort.rows(changed)
        left_out = judge(cohort.rows(~changed), rows)
        found.append(away(name, left_out, rows))
        parts.append((left_out, rows))
    dice = np.concatenate([rows.dice for _, rows in parts])
    patients = np.concatenate([rows.patients for _, rows in parts])
    plain = coverage(_stacked([each.intervals for each, _ in parts]), dice, patients)
    weighted = coverage(_stacked([each.weighted for each, _ in parts]), dice, patients)
    return [*found, Away(ALL_CHANGES, plain, weighted, np.nan)]


def _stacked(parts: Sequence[DiceIntervals]) -> DiceIntervals:
    return DiceIntervals(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("low", "high", "outside"))
    )
