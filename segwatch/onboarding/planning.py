"""Measures a step, then says what will be made and how long it takes: the same plan at a second start."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from segwatch.cohorts.scanner_changes import SCANNER_CHANGES
from segwatch.contracts.identity import digest_of
from segwatch.errors import BadInput
from segwatch.evaluation.report.worst_misses import SHOWN
from segwatch.files import Finished, finished_rows
from segwatch.onboarding.asked import Checked
from segwatch.onboarding.budget import Costs, MaskPlan, costs_of, plan_within, tried_first
from segwatch.onboarding.making import SECONDS, Row, rows_of
from segwatch.onboarding.recipes import MaskRecipe, mandatory, rounds
from segwatch.onboarding.unseen_changes import GROUPS as CHANGE_GROUPS
from segwatch.training.nested_choice import CANDIDATES, GROUPS, seconds_of_training

POOLS = 3
"""Processes are started anew for masks, for choosing, and for the changes that were not seen."""
AGREES = 0.8
"""A fold's network gives its own validation mask again with this Dice at least."""
REPORT_SECONDS = 30.0
"""Of tables and page."""


def finished_in(folder: Path) -> Finished[Row]:
    """The rows that were made before."""
    return finished_rows(folder / "rows")


def made_rows(
    checked: Checked, recipes: Sequence[MaskRecipe], folder: Path, workers: int, done: Callable[[], None]
) -> list[tuple[MaskRecipe, Row]]:
    """Every recipe with its row, in the recipes' order; those that were made before are not made again."""
    making = checked.making
    found = finished_in(folder).resume(recipes, making.key, lambda missing: rows_of(making, missing, workers))
    rows = {}
    for recipe, row in found:
        rows[recipe.name] = row
        done()
    return [(recipe, rows[recipe.name]) for recipe in recipes]


def plan_of_masks(
    checked: Checked, folder: Path, *, workers: int, count: int, seed: int, done: Callable[[], None]
) -> MaskPlan:
    """What will be made.

    Args:
        checked: what was asked for. folder: of finished rows.
        workers: processes. count: of rounds. seed: of all that is drawn.
        done: called for each mask that is made to see how long it takes.

    Raises:
        BadInput: a network does not give its own masks again, nothing can be measured, or the budget is
            too small.
    """
    cases = checked.folders.cases
    first, more = mandatory(cases), list(rounds(cases, checked.with_network, count, seed))
    known = finished_rows(folder / "plan")
    key = digest_of([[checked.making.key(each) for each in (*first, *more)], checked.budget, workers])
    saved = known.get(key)
    steps = first_steps(checked, more)
    if saved is not None:
        for _ in steps:
            done()
        return MaskPlan(
            (*first, *more[: saved["more"]]), len(more) - saved["more"], saved["making"], saved["choosing"]
        )
    begin = time.monotonic()
    tried = made_rows(checked, steps, folder, workers, done)
    starting = _starting(tried, time.monotonic() - begin, workers)
    _check_agreement(tried, checked)
    costs = costs_of(tried, checked.voxels)
    choosing = _choosing(len(first), len(first) + len(more), checked, workers)
    pictures = SHOWN * max(costs.making(each, checked.voxels[each.case]) for each in (*first, *more))
    plan = plan_within(
        first,
        more,
        _total(costs, checked, workers),
        lambda rows: choosing(rows) + pictures + POOLS * starting,
        checked.budget,
    )
    chosen = len(plan.recipes) - len(first)
    known.put(key, {"more": chosen, "making": plan.making, "choosing": plan.choosing})
    return plan


def first_steps(checked: Checked, more: Sequence[MaskRecipe]) -> list[MaskRecipe]:
    """What is made to see how long it takes, and whether networks and masks belong together."""
    again = _again(checked)
    networks = bool(checked.making.checkpoints) and not again  # those that predict again say what it costs
    return [*tried_first(more, checked.voxels, networks), *again]


def processes(asked: int, device: str) -> int:
    """How many: one a core, and two where a GPU does the most of it."""
    cores = os.cpu_count() or 1
    return asked or (min(2, cores) if device.startswith("cuda") else cores)


def _again(checked: Checked) -> list[MaskRecipe]:
    """Of each fold with a network, the case with the largest mask file, to be predicted again."""
    recipes = []
    for fold in checked.making.checkpoints:
        sizes = {
            case.title: case.predicted.stat().st_size
            for case in checked.folders.cases
            if case.fold == fold and case.predicted is not None
        }
        if sizes:
            title = max(sizes, key=lambda each: sizes[each])
            recipes.append(MaskRecipe(f"{title}-again", title, "network"))
    return recipes


def _check_agreement(rows: Sequence[tuple[MaskRecipe, Row]], checked: Checked) -> None:
    for recipe, row in rows:
        agreement = row.get("agreement")
        if agreement is not None and agreement < AGREES:
            case = checked.making.cases[recipe.case]
            raise BadInput(
                f"the network of fold {case.fold} does not give {case.predicted} again (Dice "
                f"{agreement:.2f} between the two): {checked.making.results} and "
                f"{checked.folders.about.path.parent} do not belong together, the masks are of another "
                "training, or --ct-unit is wrong"
            )


def _starting(rows: Sequence[tuple[MaskRecipe, Row]], wall: float, workers: int) -> float:
    """What it takes until processes work: the time by the clock that no row accounts for."""
    busy: float = (
        sum(row.get(part, 0.0) for _, row in rows for part in SECONDS if part != "compiling") / workers
    )
    compiling: float = max(row.get("compiling", 0.0) for _, row in rows)
    return max(0.0, wall - busy - compiling)


def _total(costs: Costs, checked: Checked, workers: int) -> Callable[[Sequence[MaskRecipe]], float]:
    folds = len(checked.making.checkpoints)
    return lambda recipes: costs.total(recipes, checked.voxels, workers, folds)


def _choosing(fewest: int, most: int, checked: Checked, workers: int) -> Callable[[int], float]:
    """Seconds by the clock of choosing and trying a scorer by so many masks, from few and from all."""
    known = {rows: _seconds_to_choose(rows, checked, workers) for rows in {fewest, most}}
    sizes = sorted(known)
    return lambda rows: float(np.interp(rows, sizes, [known[size] for size in sizes])) + REPORT_SECONDS


def _seconds_to_choose(rows: int, checked: Checked, workers: int) -> float:
    each = [seconds_of_training(rows, candidate) for candidate in CANDIDATES]
    turns = min(len(set(checked.making.patients.values())), GROUPS) + 1
    changes = len(SCANNER_CHANGES) if checked.making.checkpoints else 0
    chosen = max(max(each) * turns, sum(each) * turns / workers)
    return chosen + max(each) * (CHANGE_GROUPS + 1) * changes / workers
