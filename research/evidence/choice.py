"""A scorer chosen for each patient by what the others' rows say, so that no row judges its own choice."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from research.evidence.trials import Outcome, Trial
from segwatch.arrays import Integers
from segwatch.cohorts.table import Cohort
from segwatch.statistics.coverage import DiceIntervals
from segwatch.statistics.verdicts import Judged
from segwatch.training.leave_patient_out import LeftOut


@dataclass(frozen=True)
class Choice:
    """What the chosen scorers made of each row, and for how many patients each trial was chosen."""

    outcome: Outcome
    patients: Mapping[Trial, int]

    @property
    def usual(self) -> Trial:
        """The trial that was chosen most often."""
        return max(self.patients, key=lambda trial: self.patients[trial])


def choose(tried: Sequence[tuple[Trial, Outcome]], cohort: Cohort) -> Choice:
    """For each patient the first trial whose mean absolute error on the other patients' rows is the least, or
    within one standard error of it: trials come from the simplest on, and what is not shown to be better is
    not worth more parts. Source: Breiman et al. (1984), the one standard error rule.

    That error is out of fold, of a training that left the patient out: nothing of them is in the choice. It
    is of the rows that the trial can score; a row that is undefined for it counts neither way.
    """
    outcomes = [outcome for _, outcome in tried]
    best = _best([outcome.here for outcome in outcomes])
    firsts = np.unique(cohort.patients, return_index=True)[1]
    counted = Counter(tried[int(place)][0] for place in best[firsts])
    there = [outcome.there for outcome in outcomes if outcome.there is not None]
    elsewhere = _picked(there, _best(there)) if len(there) == len(outcomes) else None
    return Choice(Outcome(_picked([outcome.here for outcome in outcomes], best), elsewhere), counted)


def _best(made: Sequence[LeftOut]) -> Integers:
    mae = np.stack([each.learnt_mae for each in made])
    error = np.stack([each.learnt_error for each in made])
    least = mae.argmin(axis=0)[None]
    enough = np.take_along_axis(mae + error, least, axis=0)
    return np.asarray((mae <= enough).argmax(axis=0), dtype=np.int64)


def _picked(made: Sequence[LeftOut], best: Integers) -> LeftOut:
    """Each row's by the outcome that was chosen for it (n,)."""

    def of(parts: Sequence[Any]) -> dict[str, Any]:
        row = np.arange(len(best))
        return {name: np.stack([getattr(part, name) for part in parts])[best, row] for name in vars(parts[0])}

    return LeftOut(
        Judged(**of([each.judged for each in made])),
        DiceIntervals(**of([each.intervals for each in made])),
        DiceIntervals(**of([each.weighted for each in made])),
        *(
            np.stack([getattr(each, name) for each in made])[best, np.arange(len(best))]
            for name in ("effective", "learnt_mae", "learnt_error")
        ),
    )
