"""`python -m research make`, once it is called: wires source, plan, training and tables; shows progress."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from research.covid20_cohort.covid20 import RefusedSource, listed
from research.covid20_cohort.fold_networks import train_networks, training_seconds
from research.covid20_cohort.make_rows import LUNGS, rows_of
from research.covid20_cohort.mask_folder import mask_folder
from research.covid20_cohort.measured_row import MeasuredRow
from research.covid20_cohort.plan import PUBLISHED, TRUTH, Planned, planned, planned_published, planned_truths
from research.covid20_cohort.setup import Context, Setup, made_from
from research.covid20_cohort.training import NetworkRecipe, fast_precision
from segwatch.cohorts.columns import BESIDE
from segwatch.cohorts.write_table import table_of, write_table
from segwatch.contracts.identity import digest_of
from segwatch.features.registry import ALL, versions_of
from segwatch.files import finished_rows
from segwatch.progress import bars

FOLDS = 4
COARSE = NetworkRecipe("coarse", reduced=2, crop=0, augmented=False, stages=(70, 180, 450, 1200), seed=1)
FINE = NetworkRecipe("fine", reduced=1, crop=112, augmented=True, stages=(80, 200, 500, 1200), seed=2)
RECIPES = (COARSE, FINE)
SHARES = {COARSE.name: 1.0, FINE.name: 1 / 3, PUBLISHED: 1 / 3, TRUTH: 2 / 3}
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
    """Make the tables; returns how many rows each has. See `make_rows` for what lies in `out`.

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
    cohort = planned_cohort(source, out, each=each, steps=steps, seed=seed, recipes=recipes)
    context, plan, published, truths = cohort.context, cohort.networks, cohort.published, cohort.truths
    made = _finished(context, [*published, *truths, *plan], workers)
    as_they_are = published[:: cohort.variants]  # the first variant of each mask
    tables = {
        "covid20": [made[one.key] for one in plan],
        PUBLISHED: [made[one.key] for one in published],
        "truths": [made[one.key] for one in truths],
        "external": [_external(one.source, made[one.key]) for one in as_they_are],
    }
    sizes = {}
    for stem, both in tables.items():
        for lung in LUNGS:
            name = stem if lung == "own" else f"{stem}-{lung}-lung"
            if both:
                _write(out / f"{name}.parquet", [_without_making(rows[lung]) for rows in both])
                sizes[name] = len(both)
    _write(out / "covid20-made.parquet", [_making(rows["own"]) for rows in tables["covid20"]])
    return sizes


@dataclass(frozen=True)
class PlannedCohort:
    """What a cohort will hold: masks by networks, published ones in so many variants each, and truths."""

    context: Context
    networks: list[Planned]
    published: list[Planned]
    truths: list[Planned]
    variants: int


def planned_cohort(
    source: Path,
    out: Path,
    *,
    each: int,
    steps: float,
    seed: int,
    recipes: tuple[NetworkRecipe, ...] = RECIPES,
) -> PlannedCohort:
    """The plan that `make` follows, by the same arguments; raises as it does."""
    cases = listed(source)
    if len({case.patient for case in cases}) < FOLDS:
        raise RefusedSource(f"{source} has fewer patients than the {FOLDS} folds of the segmenters' training")
    precision = fast_precision()
    recipes = tuple(replace(_scaled(recipe, steps), precision=precision) for recipe in recipes)
    setup = Setup(recipes, FOLDS, ALL, seed)
    segmenters = {
        recipe.name: (made_from(recipe, setup, cases), max(1, round(each * SHARES[recipe.name])))
        for recipe in recipes
    }
    variants = max(1, round(each * SHARES[PUBLISHED]))
    have_masks = [(case.name, case.patient) for case in cases if case.has_published]
    whose = [(case.name, case.patient) for case in cases]
    return PlannedCohort(
        Context(setup, tuple(cases), out / ".work", mask_folder(out / ".work" / "masks")),
        planned(whose, segmenters, seed),
        planned_published(have_masks, variants, seed),
        planned_truths(whose, max(1, round(each * SHARES[TRUTH])), seed),
        variants,
    )


def _write(path: Path, rows: Sequence[MeasuredRow]) -> None:
    write_table(path, table_of(rows, rows[0]))


def _external(case: str, rows: dict[str, MeasuredRow]) -> dict[str, MeasuredRow]:
    """A published mask's rows in the set that nothing is learnt from, under its case's own name."""
    return {lung: {**row, "case": case, "set": "external"} for lung, row in rows.items()}


def _without_making(row: MeasuredRow) -> MeasuredRow:
    return {name: value for name, value in row.items() if not name.startswith("made_")}


def _making(row: MeasuredRow) -> MeasuredRow:
    return {name: value for name, value in row.items() if name == "case" or name.startswith("made_")}


def _finished(context: Context, plan: list[Planned], workers: int) -> dict[str, dict[str, MeasuredRow]]:
    setup = context.setup
    versions = digest_of([versions_of(setup.features), BESIDE])[:12]
    finished = finished_rows(context.folder / f"{versions}.rows")
    made: dict[str, dict[str, MeasuredRow]] = {}
    steps = sum(recipe.stages[-1] for recipe in setup.recipes) * setup.folds
    with bars() as progress:
        seconds = training_seconds(context, workers)
        if seconds:
            progress.console.print(
                f"training in {setup.recipes[0].precision}: about {seconds / 60:.0f} minutes here"
            )
        bar = progress.add_task("steps of training", total=steps)
        train_networks(context, workers, lambda done: progress.update(bar, completed=done))
        bar = progress.add_task("masks made and measured", total=len(plan))
        rows = finished.resume(plan, lambda one: one.key, lambda missing: rows_of(context, missing, workers))
        for one, row in rows:
            made[one.key] = row
            progress.advance(bar)
    return made


def _scaled(recipe: NetworkRecipe, factor: float) -> NetworkRecipe:
    return replace(
        recipe, stages=tuple(max(number + 1, round(s * factor)) for number, s in enumerate(recipe.stages))
    )
