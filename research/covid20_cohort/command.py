"""`python -m research make`, once it is called: wires source, plan, training and tables; shows progress."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from research.covid20_cohort.covid20 import RefusedSource, listed
from research.covid20_cohort.fold_networks import train_networks
from research.covid20_cohort.kept_rows import write_parquet
from research.covid20_cohort.make_rows import LUNGS, rows_of
from research.covid20_cohort.mask_folder import mask_folder
from research.covid20_cohort.measured_row import MeasuredRow
from research.covid20_cohort.plan import PUBLISHED, Planned, planned, planned_published
from research.covid20_cohort.setup import Setup, Work, made_from
from research.covid20_cohort.training import NetworkRecipe
from segwatch.contracts.identity import digest_of
from segwatch.features.registry import ALL, versions_of
from segwatch.files import finished_rows

FOLDS = 4
COARSE = NetworkRecipe("coarse", reduced=2, crop=0, augmented=False, stages=(70, 180, 450, 1200), seed=1)
FINE = NetworkRecipe("fine", reduced=1, crop=112, augmented=True, stages=(80, 200, 500, 1200), seed=2)
RECIPES = (COARSE, FINE)
SHARES = {COARSE.name: 1.0, FINE.name: 1 / 3, PUBLISHED: 1 / 3}
"""Of the predictions asked for, how many each makes: the fine one takes five times as long."""


def make(
    source: Path,
    out: Path,
    *,
    each: int,
    steps: float,
    seed: int,
    workers: int = 0,
    recipes: tuple[NetworkRecipe, ...] = RECIPES,
) -> dict[str, int]:
    """Make the tables; returns how many rows each has. See `making` for what lies in `out`.

    Args:
        source: the folder with index.csv and cases/.
        out: the folder that the tables are written to.
        each: predictions of every scan by the coarse segmenter; the fine one makes a third as many.
        steps: factor on the steps of training.
        seed: of the split and of the plan.
        workers: processes, 0 is one a core; the tables are the same.
        recipes: the segmenters.

    Raises:
        RefusedSource: fewer patients than folds, or see `covid20`.
    """
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
    have_masks = [(case.name, case.patient) for case in cases if case.has_published]
    variants = max(1, round(each * SHARES[PUBLISHED]))
    published = planned_published(have_masks, variants, seed)
    work = Work(setup, tuple(cases), out / ".work", mask_folder(out / ".work" / "masks"))
    made = _filled(work, [*published, *plan], workers)
    as_they_are = published[::variants]  # the first variant of each mask
    tables = {
        "covid20": [made[one.key] for one in plan],
        PUBLISHED: [made[one.key] for one in published],
        "external": [_external(one.source, made[one.key]) for one in as_they_are],
    }
    sizes = {}
    for stem, both in tables.items():
        for lung in LUNGS:
            name = stem if lung == "own" else f"{stem}-{lung}-lung"
            if both:
                write_parquet(out / f"{name}.parquet", [_without_making(rows[lung]) for rows in both])
                sizes[name] = len(both)
    write_parquet(out / "covid20-made.parquet", [_making(rows["own"]) for rows in tables["covid20"]])
    return sizes


def _external(case: str, rows: dict[str, MeasuredRow]) -> dict[str, MeasuredRow]:
    """A published mask's rows in the set that nothing is learnt from, under its case's own name."""
    return {lung: {**row, "case": case, "set": "external"} for lung, row in rows.items()}


def _without_making(row: MeasuredRow) -> MeasuredRow:
    return {name: value for name, value in row.items() if not name.startswith("made_")}


def _making(row: MeasuredRow) -> MeasuredRow:
    return {name: value for name, value in row.items() if name == "case" or name.startswith("made_")}


def _filled(work: Work, plan: list[Planned], workers: int) -> dict[str, dict[str, MeasuredRow]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    setup = work.setup
    versions = digest_of(versions_of(setup.features))[:12]
    finished = finished_rows(work.kept / f"{versions}.rows")
    made: dict[str, dict[str, MeasuredRow]] = {}
    with Progress(*columns, console=Console(stderr=True)) as progress:
        steps = sum(recipe.stages[-1] for recipe in setup.recipes) * setup.folds
        bar = progress.add_task("steps of training", total=steps)
        train_networks(work, workers, lambda done: progress.update(bar, completed=done))
        bar = progress.add_task("masks made and measured", total=len(plan))
        rows = finished.resume(plan, lambda one: one.key, lambda missing: rows_of(work, missing, workers))
        for one, row in rows:
            made[one.key] = row
            progress.advance(bar)
    return made


def _scaled(recipe: NetworkRecipe, factor: float) -> NetworkRecipe:
    values: dict[str, Any] = asdict(recipe)
    values["stages"] = tuple(max(place + 1, round(s * factor)) for place, s in enumerate(recipe.stages))
    return NetworkRecipe(**values)
