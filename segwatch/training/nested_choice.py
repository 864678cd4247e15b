"""A scorer chosen for each patient by what the others' rows say, so that no row judges its own choice."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from segwatch.arrays import Integers
from segwatch.cohorts.table import Cohort, training_rows
from segwatch.errors import RefusedCohort
from segwatch.processes import results
from segwatch.statistics.coverage import DiceIntervals
from segwatch.statistics.verdicts import Judged
from segwatch.training.feature_sets import feature_set
from segwatch.training.leave_patient_out import LeftOut, leave_patient_out
from segwatch.training.models import EVERY, FOLDS, fit


@dataclass(frozen=True)
class Candidate:
    """A model and the features that it reads, by name."""

    model: str
    features: str

    @property
    def title(self) -> str:
        """As pages name it."""
        return f"{self.model} on {self.features}"


CANDIDATES = (
    Candidate("lr", "normal4"),
    Candidate("ordinal", "normal4"),
    Candidate("ordinal", "normal8"),
    Candidate("ordinal", "any-hand"),
    Candidate("boost", "any-hand"),
)
"""The simplest first. None reads the surface's roughness, by which an expert's mask looks bad."""
GROUPS = 20
"""More patients than this are left out several at a time."""


@dataclass(frozen=True)
class NestedChoice:
    """What the chosen scorers made of each row of the set `train`.

    Attributes:
        left_out: of each row by scorers without its patient, the choice among them without it too.
        patients: for how many patients each candidate was chosen.
        refused: why candidates cannot be trained on these rows, by title.
    """

    left_out: LeftOut
    patients: Mapping[Candidate, int]
    refused: Mapping[str, str]

    @property
    def usual(self) -> Candidate:
        """The candidate that was chosen most often, the simplest of several."""
        return max(self.patients, key=lambda each: self.patients[each])


def choose_nested(
    cohort: Cohort,
    candidates: Sequence[Candidate] = CANDIDATES,
    *,
    seed: int,
    workers: int,
    done: Callable[[], None] = lambda: None,
) -> NestedChoice:
    """Try every candidate with each patient left out, and choose for each patient by the others.

    Args:
        cohort: with a set `train` and every feature of the candidates.
        seed: of the models. workers: processes, 0 is one a core.
        done: called after each candidate.

    Raises:
        RefusedCohort: no candidate can soundly be trained.
    """
    made: dict[Candidate, LeftOut] = {}
    refused: dict[str, str] = {}
    for candidate, outcome in results(_tried, (cohort, seed), candidates, workers, alone_seconds=0):
        if isinstance(outcome, LeftOut):
            made[candidate] = outcome
        else:
            refused[candidate.title] = outcome
        done()
    if not made:
        raise RefusedCohort(next(iter(refused.values())))
    tried = [candidate for candidate in candidates if candidate in made]
    outcomes = [made[candidate] for candidate in tried]
    best = best_by_row(outcomes)
    firsts = np.unique(cohort.of_set("train").patients, return_index=True)[1]
    counted = Counter(tried[int(best[row])] for row in firsts)
    ordered = {candidate: counted[candidate] for candidate in tried if counted[candidate]}
    return NestedChoice(picked(outcomes, best), ordered, refused)


def seconds_of_training(rows: int, candidate: Candidate) -> float:
    """About how long a scorer's training on so many rows takes, by a fit on noise of that size.

    The quicker of two: the first of a process loads what it needs.
    """
    draw = np.random.default_rng(0)
    wanted = feature_set(candidate.features)
    values, dice = draw.standard_normal((rows, len(wanted.columns))), draw.random(rows)
    recipe, seconds = EVERY[candidate.model], []
    for _ in range(2):
        began = perf_counter()
        fit(recipe, values, dice, directions=wanted.directions)
        seconds.append(perf_counter() - began)
    return min(seconds) * (FOLDS + 1)


def best_by_row(made: Sequence[LeftOut]) -> Integers:
    """For each row (n,) the first outcome whose mean absolute error on the other patients' rows is the least,
    or within one standard error of it: outcomes come from the simplest scorer on, and what is not shown to be
    better is not worth more parts. Source: Breiman et al. (1984), the one standard error rule.

    That error is out of fold, of a training that left the patient out: nothing of them is in the choice.
    """
    mae = np.stack([each.learnt_mae for each in made])
    error = np.stack([each.learnt_error for each in made])
    least = mae.argmin(axis=0)[None]
    enough = np.take_along_axis(mae + error, least, axis=0)
    return np.asarray((mae <= enough).argmax(axis=0), dtype=np.int64)


def picked(made: Sequence[LeftOut], best: Integers) -> LeftOut:
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


def _tried(context: tuple[Cohort, int], candidate: Candidate) -> LeftOut | str:
    """The candidate's outcome, or why there is none."""
    cohort, seed = context
    try:
        training_rows(cohort.select(feature_set(candidate.features).features))
        return leave_patient_out(cohort, candidate.model, candidate.features, seed=seed, most=GROUPS)[0]
    except RefusedCohort as error:
        return str(error)
