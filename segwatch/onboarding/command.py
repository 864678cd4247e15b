"""What `segwatch onboard` does, once it is called: plans, makes masks, chooses, calibrates, writes.

The bundle is written last. A run that is stopped goes on where it was: what is finished lies beside the
bundle in a hidden folder, which goes when the bundle is there.
"""

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.console import Console

from segwatch.cohorts.columns import KEYS, REMARKS, TRUTH_SHARE
from segwatch.cohorts.table import Cohort, cohort_in
from segwatch.cohorts.write_table import table_of, write_table
from segwatch.errors import RefusedCohort
from segwatch.evaluation.evaluate import Evaluated
from segwatch.onboarding.asked import Asked, Checked
from segwatch.onboarding.budget import MaskPlan, in_words
from segwatch.onboarding.evidence import NOT_SHOWN, OnboardingEvidence, write_evidence
from segwatch.onboarding.making import Row, made_mask
from segwatch.onboarding.planning import first_steps, made_rows, plan_of_masks, processes
from segwatch.onboarding.recipes import MODEL, MaskRecipe, rounds
from segwatch.onboarding.unseen_changes import under_unseen_changes
from segwatch.onboarding.words import MadeOf, not_shown
from segwatch.progress import progress
from segwatch.scoring.bins import failed
from segwatch.scoring.bundle import save
from segwatch.statistics.figures_table import figures_table
from segwatch.terminal import new_console
from segwatch.training.judge import judge_all
from segwatch.training.nested_choice import CANDIDATES, NestedChoice, choose_nested
from segwatch.training.report import burden_words, model_card, paging_words, report
from segwatch.training.train import Trained, train

COLUMNS = ("n", "sensitivity", "binary specificity", "AUROC", "MAE ± std")
Made = Sequence[tuple[MaskRecipe, Row]]


def onboard(asked: Asked, found: Checked, *, plan_only: bool) -> None:
    """From nnU-Net's folders to a scorer's bundle with its evidence.

    Args:
        asked: what was asked for. found: the same, found good.
        plan_only: whether nothing is made but what says how long it takes.

    Raises:
        BadInput, RefusedCohort, RefusedModel: something is not what it must be; nothing but what is finished
            is left.
    """
    console = new_console(stderr=True)
    folder = asked.out.with_name(f".{asked.out.name}.unfinished")
    workers = processes(asked.workers, found.making.device)
    plan = _planned(asked, found, folder, workers)
    console.print(*plan_words(plan, found, workers), sep="\n", markup=False, highlight=False)
    if plan_only:
        return
    began = time.monotonic()
    with progress("masks", len(plan.recipes)) as done:
        made = made_rows(found, plan.recipes, folder, workers, done)
    _finish(asked, found, plan, made, workers)
    shutil.rmtree(folder, ignore_errors=True)
    took = time.monotonic() - began
    console.print(f"took {in_words(took)}; told were {in_words(plan.seconds)}", markup=False)


def plan_words(plan: MaskPlan, found: Checked, workers: int) -> list[str]:
    """What will be made, in lines."""
    patients = len(set(found.making.patients.values()))
    networks = len(found.making.checkpoints)
    on = (
        f"{networks} folds' networks on {found.making.device}"
        if networks
        else "no network: given masks alone"
    )
    left = f"; {plan.left} more do not fit into the budget" if plan.left else ""
    return [
        f"{len(found.folders.cases)} masks of {patients} patients; {on}; {workers} processes",
        f"{len(plan.recipes)} masks will be made and measured{left}: about {in_words(plan.making)}",
        f"choosing, calibrating, evidence: about {in_words(plan.choosing)}",
        f"in all about {in_words(plan.seconds)}",
    ]


def _planned(asked: Asked, found: Checked, folder: Path, workers: int) -> MaskPlan:
    more = list(rounds(found.folders.cases, found.with_network, asked.rounds, asked.seed))
    with progress("trying what it takes", len(first_steps(found, more))) as done:
        return plan_of_masks(found, folder, workers=workers, count=asked.rounds, seed=asked.seed, done=done)


def _finish(asked: Asked, found: Checked, plan: MaskPlan, made: Made, workers: int) -> None:
    table, recipes, cohort = _cohort(asked, found, made)
    choice, trained = _scorer(asked, found, plan, made, cohort, workers)
    seen = choice.left_out.judged
    with progress("changes not seen", 1) as done:
        unseen = under_unseen_changes(cohort, recipes, seen, choice.usual, seed=asked.seed, workers=workers)
        done()
    evidence = OnboardingEvidence(
        cohort, recipes, choice, trained.manifest, unseen, _made_of(asked, found, plan, made)
    )
    by_name = {recipe.name: recipe for recipe in recipes}
    beside = asked.out.with_name(f"{asked.out.name}.evidence")
    beside.mkdir(parents=True, exist_ok=True)
    evaluated = write_evidence(evidence, lambda case: made_mask(found.making, by_name[case]).scene, beside)
    write_table(asked.out.with_name(f"{asked.out.name}.cohort.parquet"), table)
    rows = report(judge_all(trained, cohort))
    card = model_card(trained.manifest, rows)
    identity = save(asked.out, trained.skops, trained.manifest, card, trained.burden)
    _print(evaluated, trained, evidence.made, new_console())
    new_console().print(
        f"{asked.out}: scorer {identity.name}, sha256 {identity.sha256}",
        f"evidence: {beside / 'report.html'}",
        sep="\n",
        soft_wrap=True,
        markup=False,
    )


def _cohort(asked: Asked, found: Checked, made: Made) -> tuple[pa.Table, list[MaskRecipe], Cohort]:
    """The rows that could be made, as `segwatch train` reads them, and the recipes of them.

    Raises:
        RefusedCohort: no mask of the model's is there, none of them is good, or no mask failed.
    """
    there = [(recipe, row) for recipe, row in made if "refused" not in row]
    mine = np.array([row["dice"] for recipe, row in there if recipe.set == MODEL])
    if not len(mine):
        reasons = next((row["reason"] for _, row in made if "refused" in row), "")
        raise RefusedCohort(f"no mask of the model's could be measured: {reasons}")
    if failed(mine).all():
        raise RefusedCohort(
            f"none of the model's {len(mine)} masks is good (Dice of 0.6 or more; the best has "
            f"{mine.max():.2f}): there is nothing to tell apart. Is --lesion-label right?"
        )
    if not failed(np.array([row["dice"] for _, row in there])).any():
        raise RefusedCohort(
            f"none of the {len(there)} masks failed (Dice below 0.6), the damaged ones neither: what a "
            "failure looks like cannot be learnt. Give more --rounds"
        )
    table = table_of(
        [row for _, row in there], (*KEYS, "dice", TRUTH_SHARE, *found.making.features, *REMARKS)
    )
    return table, [recipe for recipe, _ in there], cohort_in(table, asked.out)


def _scorer(
    asked: Asked,
    found: Checked,
    plan: MaskPlan,
    made: Made,
    cohort: Cohort,
    workers: int,
) -> tuple[NestedChoice, Trained]:
    with progress("scorers tried", len(CANDIDATES)) as done:
        choice = choose_nested(cohort, seed=asked.seed, workers=workers, done=done)
    limits = tuple(f"Not shown: {sentence}" for sentence in not_shown(_made_of(asked, found, plan, made)))
    trained = train(
        cohort,
        choice.usual.model,
        choice.usual.features,
        name=asked.name or None,
        seed=asked.seed,
        limits=limits,
    )
    return choice, trained


def _made_of(asked: Asked, found: Checked, plan: MaskPlan, made: Made) -> MadeOf:
    there = [(recipe, row) for recipe, row in made if "refused" not in row]
    making = found.making
    return MadeOf(
        recipes=[recipe for recipe, _ in there],
        dice=np.array([row["dice"] for _, row in there]),
        patients=len({row["patient"] for _, row in there}),
        by_case=asked.patient_pattern is None and asked.patients is None,
        given=found.folders.results is None or asked.predictions is not None,
        seen=found.seen,
        without_mask=found.folders.without_mask,
        refused=[(recipe.case, row["reason"]) for recipe, row in made if "refused" in row],
        folds=len({case.fold for case in found.folders.cases}),
        networks=len(making.checkpoints),
        left=plan.left,
        lungs=making.lungs,
        display=making.unit == "display",
    )


def _print(evaluated: Evaluated, trained: Trained, made: MadeOf, console: Console) -> None:
    """The figures of patients left out in short, and what they do not show."""
    sections = {
        name: {title: entry.sets[name] for title, entry in evaluated.report.models.items()}
        for name in evaluated.report.cohort.sets
    }
    console.print(figures_table(sections, COLUMNS, "each patient by scorers that never saw them"))
    console.print(paging_words(trained.manifest).replace("**", ""), markup=False)
    console.print(burden_words(trained.second), markup=False)
    console.print(f"{NOT_SHOWN}:", *(f"- {sentence}" for sentence in not_shown(made)), sep="\n", markup=False)
