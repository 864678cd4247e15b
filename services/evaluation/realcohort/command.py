"""`segwatch cohort make`, once it is called: wires source, plan, training and tables, and shows progress."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.contracts.identity import digest_of
from services.evaluation.realcohort.covid20 import Listed, RefusedSource, listed
from services.evaluation.realcohort.kept import Kept, write_parquet
from services.evaluation.realcohort.making import LUNGS, Setup, made_from, networks, published_rows, rows_of
from services.evaluation.realcohort.masks import MaskFolder
from services.evaluation.realcohort.measured import Row
from services.evaluation.realcohort.plan import Planned, planned
from services.evaluation.realcohort.training import Recipe
from services.features.registry import ALL

FOLDS = 4
COARSE = Recipe("coarse", reduced=2, crop=0, augmented=False, stages=(60, 140, 250, 450), seed=1)
FINE = Recipe("fine", reduced=1, crop=112, augmented=True, stages=(80, 160, 300, 500), seed=2)
RECIPES = (COARSE, FINE)
SHARES = {COARSE.name: 1.0, FINE.name: 1 / 3}
"""Of the predictions asked for, how many each makes: the fine one takes five times as long."""


def make(
    source: Path,
    out: Path,
    *,
    each: int,
    steps: float,
    seed: int,
    recipes: tuple[Recipe, ...] = RECIPES,
) -> dict[str, int]:
    """Make the tables; returns how many rows each has. See `making` for what lies in `out`.

    Args:
        source: the folder with index.csv and cases/.
        out: the folder that the tables are written to.
        each: predictions of every scan by the coarse segmenter; the fine one makes a third as many.
        steps: factor on the steps of training.
        seed: of the split and of the plan.
        recipes: the segmenters.

    Raises:
        RefusedSource: fewer patients than folds, or see `covid20`.
    """
    import torch

    torch.set_num_threads(1)
    cases = listed(source)
    if len({case.patient for case in cases}) < FOLDS:
        raise RefusedSource(f"{source} has fewer patients than the {FOLDS} folds of the segmenters' training")
    recipes = tuple(_scaled(recipe, steps) for recipe in recipes)
    setup = Setup(recipes, FOLDS, ALL, seed)
    segmenters = {
        recipe.name: (made_from(recipe, setup, cases), max(1, round(each * SHARES[recipe.name])))
        for recipe in recipes
    }
    plan = planned([(case.name, case.patient) for case in cases], segmenters, seed)
    work = out / ".work"
    work.mkdir(parents=True, exist_ok=True)
    kept, external = _filled(setup, cases, plan, work)
    sizes = {}
    keys = [one.key for one in plan]
    for stem, found, order in (("covid20", kept, keys), ("external", external, list(external.rows))):
        for lung in LUNGS:
            name = stem if lung == "own" else f"{stem}-{lung}-lung"
            rows = [found.rows[key][lung] for key in order]
            if rows:
                write_parquet(out / f"{name}.parquet", [_without_making(row) for row in rows])
                sizes[name] = len(rows)
    write_parquet(out / "covid20-made.parquet", [_making(kept.rows[key]["own"]) for key in keys])
    return sizes


def _without_making(row: Row) -> Row:
    return {name: value for name, value in row.items() if not name.startswith("made_")}


def _making(row: Row) -> Row:
    return {name: value for name, value in row.items() if name == "case" or name.startswith("made_")}


def _filled(setup: Setup, cases: list[Listed], plan: list[Planned], work: Path) -> tuple[Kept, Kept]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    digest = digest_of(list(setup.features))[:12]
    masks = MaskFolder(work / "masks")
    kept, external = Kept(work / f"{digest}.rows"), Kept(work / f"{digest}.external")
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("published masks", total=len(cases))
        for _ in external.add(published_rows(setup, cases, external.rows)):
            progress.advance(bar)
        progress.update(bar, completed=len(cases))
        steps = sum(recipe.stages[-1] for recipe in setup.recipes) * setup.folds
        bar = progress.add_task("networks trained", total=steps)
        states = networks(setup, cases, work, lambda: progress.advance(bar))
        bar = progress.add_task("masks made and measured", total=len(plan))
        progress.advance(bar, sum(one.key in kept.rows for one in plan))
        for _ in kept.add(rows_of(setup, cases, plan, states, masks, kept.rows)):
            progress.advance(bar)
    return kept, external


def _scaled(recipe: Recipe, factor: float) -> Recipe:
    values: dict[str, Any] = asdict(recipe)
    values["stages"] = tuple(max(place + 1, round(s * factor)) for place, s in enumerate(recipe.stages))
    return Recipe(**values)
