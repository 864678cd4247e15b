"""How a scorer does on masks of changed scans when it has seen no scan changed in that way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from segwatch.arrays import Flags
from segwatch.cohorts.scanner_changes import SCANNER_CHANGES
from segwatch.cohorts.table import Cohort
from segwatch.errors import RefusedCohort
from segwatch.onboarding.recipes import CHANGED, MaskRecipe
from segwatch.processes import results
from segwatch.statistics.figures import counts, figures
from segwatch.statistics.verdicts import Judged
from segwatch.training.leave_patient_out import leave_patient_out
from segwatch.training.nested_choice import Candidate

GROUPS = 8
"""Of patients, each left out together: the change is what is tried here, beside them."""
FEWEST = 10
"""Of fewer masks nothing can be said."""


@dataclass(frozen=True)
class UnseenChange:
    """What was said of the masks under a change, by scorers that had seen it, and that had not.

    `refused`: why nothing can be trained without it.
    """

    change: str
    seen: Judged
    unseen: Judged | None
    refused: str = ""

    @property
    def words(self) -> str:
        """One sentence."""
        number = counts(self.seen)
        start = f"{self.change.replace('_', ' ')}: {number['n']} masks, {number['failed']} failed"
        if self.unseen is None:
            return f"{start}; without them nothing can be trained ({self.refused})"
        seen, unseen = figures(self.seen), figures(self.unseen)
        shown = (
            ("AUROC", "auroc"),
            ("error", "mae"),
            ("found", "sensitivity"),
            ("good ones passed", "binary_specificity"),
        )
        said = [
            f"{word} {_two(unseen[name])} ({_two(seen[name])} where such scans were seen)"
            for word, name in shown
        ]
        return f"{start}: {', '.join(said)}"


def under_unseen_changes(
    cohort: Cohort,
    recipes: Sequence[MaskRecipe],
    seen: Judged,
    candidate: Candidate,
    *,
    seed: int,
    workers: int,
    done: Callable[[], None] = lambda: None,
) -> list[UnseenChange]:
    """For each change with masks enough, the scorer without patient and change.

    Args:
        cohort: the training rows. recipes: of each of them (n,).
        seen: what scorers without the patient, but with the change, said of each row.
        candidate: the scorer. seed: of the models. workers: processes, 0 is one a core.
        done: called after each change.
    """
    chosen: dict[str, Flags] = {}
    touched: dict[str, Flags] = {}
    for change in SCANNER_CHANGES:
        of = np.array([change in dict(recipe.changes) for recipe in recipes])
        mine = of & np.array([recipe.set == CHANGED for recipe in recipes])
        if mine.sum() >= FEWEST:
            chosen[change], touched[change] = mine, of
    context = (cohort, chosen, touched, candidate, seed)
    found = {}
    for change, outcome in results(_without, context, list(chosen), workers, alone_seconds=0):
        unseen, refused = (outcome, "") if isinstance(outcome, Judged) else (None, outcome)
        found[change] = UnseenChange(change, seen.rows(chosen[change]), unseen, refused)
        done()
    return [found[change] for change in chosen]


def _without(
    context: tuple[Cohort, Mapping[str, Flags], Mapping[str, Flags], Candidate, int], change: str
) -> Judged | str:
    cohort, chosen, touched, candidate, seed = context
    learnt, judged = cohort.rows(~touched[change]), cohort.rows(chosen[change])
    elsewhere = replace(judged, sets=np.full(len(judged), change))
    try:
        _, there = leave_patient_out(
            learnt, candidate.model, candidate.features, also=elsewhere, seed=seed, most=GROUPS
        )
    except RefusedCohort as error:
        return str(error)
    return "" if there is None else there.judged


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
