"""A scorer chosen for each patient by what the others' rows say, so that no row judges its own choice."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from research.evidence.trials import Outcome, Trial
from segwatch.cohorts.table import Cohort
from segwatch.training.nested_choice import best_by_row, picked


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
    """For each patient the first trial that is good enough (`best_by_row`); they come from the simplest on.

    The error is of the rows that the trial can score; a row that is undefined for it counts neither way.
    """
    outcomes = [outcome for _, outcome in tried]
    best = best_by_row([outcome.here for outcome in outcomes])
    firsts = np.unique(cohort.patients, return_index=True)[1]
    counted = Counter(tried[int(place)][0] for place in best[firsts])
    there = [outcome.there for outcome in outcomes if outcome.there is not None]
    elsewhere = picked(there, best_by_row(there)) if len(there) == len(outcomes) else None
    return Choice(Outcome(picked([outcome.here for outcome in outcomes], best), elsewhere), counted)
