"""`python -m research opinion` and `opinion-curve`, once they are called: wired, with progress."""

import csv
import io
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from research.covid20_cohort.command import planned_cohort
from research.covid20_cohort.covid20 import RefusedSource, listed
from research.covid20_cohort.training import fast_precision
from research.second_opinion.curve import CurvePoint, curve, page
from research.second_opinion.folds import (
    ALL_PATIENTS,
    Making,
    OpinionRecipe,
    judged,
    left_out_dice,
    make_views,
    network_key,
    train_fold,
)
from research.second_opinion.probabilities import masks_with_probabilities, worths
from research.second_opinion.probabilities import page as probabilities_page
from research.second_opinion.rows import (
    NETWORK,
    Said,
    mask_on_grid,
    masks_on_grid,
    opinion_names,
    said_of,
    thinned,
)
from segwatch.cohorts.columns import MADE_BY
from segwatch.cohorts.opinions import named
from segwatch.cohorts.table import Cohort, cohort_in
from segwatch.contracts.quality import OPINION
from segwatch.errors import BadInput
from segwatch.files import pack_arrays, whole_folder, write_whole
from segwatch.progress import bars, progress
from segwatch.segmentation.bundle import OPINION_WEIGHTS, LeftOutDice, open_opinion, write_manifest

NAME = "covid20-opinion"
ABOUT = (
    "A second opinion for chest CT with Covid-19 lesions, trained on 13 patients of one public collection "
    "(Zenodo 3757476, CC BY-NC-SA: not for commercial use) and on phantoms. left_out is by networks of the "
    "same recipe that saw three quarters of the patients and about half of the kinds of change."
)
TABLES = ("covid20", "published", "truths")
"""Of the cohort, measured with the product's own lung."""
BUNDLE, LEFT_OUT, TABLE = "bundle", "left_out.csv", "opinion.parquet"


def make_opinion(source: Path, out: Path, recipe: OpinionRecipe | None = None) -> LeftOutDice:
    """Train the networks, judge each on patients it never saw, and write `out/bundle` and `out/left_out.csv`.

    Raises:
        RefusedSource: as `listed` does, or fewer patients than folds.
    """
    making = making_of(source, out, recipe)
    recipe = making.recipe
    with progress("scans prepared", len(making.cases) + 1) as done:
        make_views(making, lambda _: done())
    folds = [*range(recipe.folds), ALL_PATIENTS]
    with bars() as shown:
        bar = shown.add_task("steps of training", total=len(folds) * recipe.stages[-1])
        for fold in folds:
            train_fold(making, fold, lambda _: shown.advance(bar))
    rows = judged(making)
    write_whole(out / LEFT_OUT, _csv(rows))
    found = left_out_dice(rows)
    _write_bundle(making, out / BUNDLE, found)
    return found


def making_of(source: Path, out: Path, recipe: OpinionRecipe | None = None) -> Making:
    """What is made of the scans in a folder; raises as `make_opinion` does."""
    cases = tuple(listed(source))
    recipe = recipe or OpinionRecipe(precision=fast_precision())
    if len({case.patient for case in cases}) < recipe.folds:
        raise RefusedSource(f"{source} has fewer patients than the {recipe.folds} folds")
    return Making(recipe, cases, out / ".work")


def make_curve(
    source: Path, out: Path, cohort: Path, *, every: int, each: int, seed: int, report: Path
) -> Sequence[CurvePoint]:
    """Ask the opinions about a cohort's masks; write `out/opinion.parquet`, and the curve's page `report`.

    Args:
        source: the scans. out: what `make_opinion` wrote. cohort: what `python -m research make` wrote.
        every: one mask in so many is asked about.
        each, seed: as the cohort was made.

    Raises:
        BadInput: the opinion or the cohort is not there, or was made otherwise.
    """
    making = making_of(source, out)
    bundle = open_opinion(out / BUNDLE)
    planned = planned_cohort(source, cohort, each=each, steps=1.0, seed=seed)
    plan = thinned([*planned.networks, *planned.published, *planned.truths], every)
    measured = _measured(cohort)
    if missing := [one.name for one in plan if one.name not in measured]:
        raise BadInput(f"{cohort} lacks {missing[0]} ({len(missing)} such): was it made with other options?")
    kept = masks_on_grid(making)
    said: dict[str, dict[str, Said | None]] = {}
    with progress("masks compared", len(plan)) as done:
        seen = kept.resume(
            plan,
            lambda one: one.key,
            lambda missing: ((one, mask_on_grid(planned.context, one)) for one in missing),
        )
        for one, arrays in seen:
            said[one.name] = said_of(making, one, arrays)
            done()
    rows = [measured[one.name] for one in plan]
    whose = named(bundle.identity) or ""
    table = _table(rows, said, NETWORK, whose)
    pyarrow.parquet.write_table(table, out / TABLE)
    opinions = {name: _cohort(rows, said, name, whose, out) for name in opinion_names()}
    dice = {name: _opinion_dice(said, name) for name in opinion_names()}
    points = curve(opinions, dice)
    write_whole(report, page(points, NETWORK, len(plan)))
    return points


def make_probabilities(source: Path, out: Path, report: Path) -> None:
    """Say which figures of a network's own probabilities earn their place; raises as `making_of` does."""
    rows = masks_with_probabilities(making_of(source, out))
    write_whole(report, probabilities_page(worths(rows), rows))


def _write_bundle(making: Making, bundle: Path, found: LeftOutDice) -> None:
    weights = making.networks.get(network_key(ALL_PATIENTS, making.recipe.stages[-1]))
    if weights is None:
        raise BadInput(f"there is no trained network in {making.networks.folder}")
    if bundle.exists():
        raise BadInput(f"{bundle} exists already: move it away to write it anew")
    with whole_folder(bundle) as hidden:
        (hidden / OPINION_WEIGHTS).write_bytes(pack_arrays(weights))
        write_manifest(hidden, NAME, {"torch": version("torch")}, ABOUT, left_out=found)


def _measured(cohort: Path) -> dict[str, dict[str, object]]:
    """The rows of the cohort's tables by case."""
    found: dict[str, dict[str, object]] = {}
    for name in TABLES:
        path = cohort / f"{name}.parquet"
        if not path.is_file():
            raise BadInput(f"there is no file {path}: give the folder that `python -m research make` wrote")
        found |= {row["case"]: row for row in pyarrow.parquet.read_table(path).to_pylist()}
    return found


def _table(
    rows: Sequence[dict[str, object]], said: dict[str, dict[str, Said | None]], name: str, whose: str
) -> pa.Table:
    """The rows with what one opinion says of their masks."""
    made = []
    for row in rows:
        found = said[str(row["case"])][name]
        figures: Sequence[float | None] = (None, None, None) if found is None else found[:3]
        made.append({**row, **dict(zip(OPINION, figures, strict=True)), MADE_BY[0]: whose if found else None})
    return pa.Table.from_pylist(made)


def _cohort(
    rows: Sequence[dict[str, object]],
    said: dict[str, dict[str, Said | None]],
    name: str,
    whose: str,
    out: Path,
) -> Cohort:
    return cohort_in(_table(rows, said, name, whose), out / TABLE)


def _opinion_dice(said: dict[str, dict[str, Said | None]], name: str) -> float:
    """The opinion's own mean Dice with the truths of the scans that it was asked about."""
    known = [found[3] for each in said.values() if (found := each[name]) is not None and found[3] is not None]
    return float(np.mean(known))


def _csv(rows: Sequence[dict[str, str | float]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows({**row, "dice": f"{row['dice']:.4f}"} for row in rows)
    return text.getvalue()
