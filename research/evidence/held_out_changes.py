"""Intervals where the scan is changed in a way that the scorer has not met."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from research.evidence.tables import Making
from segwatch.cohorts.table import Cohort, Flags
from segwatch.statistics.coverage import Coverage, coverage
from segwatch.statistics.dice_intervals import Ends
from segwatch.training.leave_patient_out import LeftOut

Judge = Callable[[Cohort, Cohort], LeftOut]
ALL_KINDS = "all of these"


@dataclass(frozen=True)
class Away:
    """Intervals away from the cohort, as they are and weighted; the fewest rows that weights left.

    `effective` is NaN where nothing was weighted, or things apart were.
    """

    name: str
    plain: Coverage
    weighted: Coverage
    effective: float


def kinds(made: Sequence[Making]) -> dict[str, Flags]:
    """For each kind of change, `none` among them, the rows (n,) whose scan was changed so; some by two."""
    of_rows = [{part.partition(":")[0] for part in str(row["made_changes"]).split("+")} for row in made]
    names = sorted(set().union(*of_rows))
    return {name: np.array([name in row for row in of_rows], dtype=np.bool_) for name in names}


def away(name: str, made: LeftOut, rows: Cohort) -> Away:
    """How often the intervals of rows from elsewhere hold."""
    return Away(
        name,
        coverage(made.ends, rows.dice, rows.patients),
        coverage(made.weighted, rows.dice, rows.patients),
        float(made.effective.min()),
    )


def held_out_kinds(cohort: Cohort, made: Sequence[Making], judge: Judge) -> list[Away]:
    """Each kind of change judged by scorers that met neither it nor the patient; last, all of them together.

    Args:
        cohort: its rows are made as `made` says.
        judge: what scorers that learnt from the first rows without a patient make of theirs among the second.
    """
    found, parts = [], []
    for name, changed in kinds(made).items():
        rows = cohort.rows(changed)
        left_out = judge(cohort.rows(~changed), rows)
        found.append(away(name, left_out, rows))
        parts.append((left_out, rows))
    dice = np.concatenate([rows.dice for _, rows in parts])
    patients = np.concatenate([rows.patients for _, rows in parts])
    plain = coverage(_joined([each.ends for each, _ in parts]), dice, patients)
    weighted = coverage(_joined([each.weighted for each, _ in parts]), dice, patients)
    return [*found, Away(ALL_KINDS, plain, weighted, np.nan)]


def _joined(parts: Sequence[Ends]) -> Ends:
    return Ends(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("low", "high", "outside"))
    )
