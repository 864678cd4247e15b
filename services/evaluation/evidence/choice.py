"""A scorer chosen for each patient by what the others' rows say, so that no row judges its own choice."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.evaluation.cohort import Cohort
from services.evaluation.ends import Ends
from services.evaluation.evidence.trials import Outcome, Trial
from services.evaluation.leave_out import LeftOut
from services.evaluation.metrics import Judged
from services.scoring.bins import Bins


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
    """For each patient the trial with the least mean absolute error on the other patients' rows.

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


def _best(made: Sequence[LeftOut]) -> Bins:
    return np.asarray(np.stack([each.learnt_mae for each in made]).argmin(axis=0), dtype=np.int64)


def _picked(made: Sequence[LeftOut], best: Bins) -> LeftOut:
    """Each row's by the outcome that was chosen for it (n,)."""

    def of(parts: Sequence[Any]) -> dict[str, Any]:
        row = np.arange(len(best))
        return {name: np.stack([getattr(part, name) for part in parts])[best, row] for name in vars(parts[0])}

    return LeftOut(
        Judged(**of([each.judged for each in made])),
        Ends(**of([each.ends for each in made])),
        Ends(**of([each.weighted for each in made])),
        *(
            np.stack([getattr(each, name) for each in made])[best, np.arange(len(best))]
            for name in ("effective", "learnt_mae")
        ),
    )
