"""What `segwatch evaluate` does, once it is called: thin, and with heavy imports."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from segwatch.cohorts.opening import Opened, open_cohort
from segwatch.errors import BadInput
from segwatch.evaluation import evaluate as core
from segwatch.evaluation.report.page import page
from segwatch.evaluation.report.pictures import draw_all
from segwatch.evaluation.report.predictions import write_predictions
from segwatch.evaluation.report.worst_misses import draw_misses
from segwatch.files import write_whole
from segwatch.scoring.bundle import Scorer, load
from segwatch.training.feature_sets import FeatureSet, feature_set
from segwatch.training.models import EVERY

REPORT = "report.json"
PARTS = ".unfinished"
PICTURES = "pictures"
NO_IMAGES = (
    "The four-feature figure of the worst misses needs the images: it is drawn where the cohort is a folder "
    "of cases, and this one is a table."
)
SHOWN = {
    "sensitivity": "sensitivity",
    "binary specificity": "binary_specificity",
    "bin spec. (micro)": "bin_specificity_micro",
    "AUROC": "auroc",
    "MAE": "mae",
}


@dataclass(frozen=True)
class Wanted:
    """The command line's options, as they were given."""

    models: str | None
    bundles: tuple[Path, ...]
    features: str
    replicates: int
    leave_patient_out: bool
    without: tuple[str, ...]
    seed: int
    workers: int
    ct_unit: str


def evaluate(cohort: Path, out: Path, wanted: Wanted) -> None:
    """Evaluate, and write the report into `out`; its JSON last.

    Raises:
        RefusedCohort, BadInput: what was given cannot be evaluated; no report is written.
    """
    if out.exists() and not out.is_dir():
        raise BadInput(f"{out} is a file; --out names a folder for the report")
    chosen = feature_set(wanted.features)
    asked = _asked(out, wanted, chosen)
    opened = open_cohort(
        cohort,
        features=_needed(asked, chosen),
        ct_unit=wanted.ct_unit,
        work=asked.parts,
        keep=out / "cohort.parquet",
        workers=wanted.workers,
        patients_may_share=wanted.leave_patient_out,
    )
    with fits(core.steps(asked)) as done:
        prepared = chosen.prepare(opened.cohort) if asked.models else None
        found = core.evaluate(opened.cohort, asked, done, prepared)
    write_report(out, opened, found, wanted.ct_unit)
    shutil.rmtree(asked.parts, ignore_errors=True)
    _tell(found, out)


def write_report(out: Path, opened: Opened, found: core.Evaluated, ct_unit: str) -> None:
    """Pictures, single predictions, page, and last `report.json`."""
    pictures, notes = draw_all(found.report, found.judged, opened.cohort.sets, out / PICTURES), [NO_IMAGES]
    if opened.folders:
        model, judged = next(iter(found.judged.items()))
        misses, notes = draw_misses(model, judged, opened.cohort, opened.folders, ct_unit, out / PICTURES)
        pictures += misses
    write_predictions(out / "predictions.csv", opened.cohort, found.judged)
    write_whole(out / "report.html", page(found.report, pictures, out / PICTURES, notes))
    write_whole(out / REPORT, core.written(found.report))


def _tell(found: core.Evaluated, out: Path) -> None:
    """Table 2 in short, and where everything is."""
    table = Table("set", "model", "n", *SHOWN, title="in short; intervals are in the report")
    for name in found.report["cohort"]["sets"]:
        for model, entry in found.report["models"].items():
            one = entry["sets"][name]
            shown = name + " (fitted on)" * one["resubstitution"]
            values = ("–" if one[key] is None else f"{one[key]:.2f}" for key in SHOWN.values())
            table.add_row(shown, model, str(one["n"]), *values)
    console = Console()
    console.print(table)
    console.print(f"{out / 'report.html'}, {REPORT}, predictions.csv, {PICTURES}/", soft_wrap=True)


@contextmanager
def fits(total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar of so many fits."""
    columns = (TextColumn("fits"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("fits", total=total)
        yield lambda number: progress.advance(bar, number)


def _asked(out: Path, wanted: Wanted, chosen: FeatureSet) -> core.EvaluateOptions:
    return core.EvaluateOptions(
        feature_set=chosen.name,
        features=chosen.columns,
        directions=chosen.directions,
        models=_models(wanted),
        bundles=_bundles(wanted.bundles),
        replicates=wanted.replicates,
        leave_patient_out=wanted.leave_patient_out,
        without=tuple(_names(text) for text in wanted.without),
        seed=wanted.seed,
        workers=wanted.workers,
        parts=out / PARTS,
    )


def _needed(asked: core.EvaluateOptions, chosen: FeatureSet) -> tuple[str, ...]:
    """Every feature that a model or a bundle needs of a study."""
    of_bundles = (name for scorer in asked.bundles.values() for name in scorer.manifest.feature_names)
    return tuple(dict.fromkeys((*(chosen.features if asked.models else ()), *of_bundles)))


def _models(wanted: Wanted) -> tuple[str, ...]:
    if wanted.models is None:
        return () if wanted.bundles else core.PAPERS
    names = _names(wanted.models)
    unknown = [name for name in names if name not in EVERY]
    if unknown:
        raise BadInput(f"there is no model {unknown[0]!r}; there are {', '.join(EVERY)}")
    return names


def _bundles(folders: tuple[Path, ...]) -> Mapping[str, Scorer]:
    """The scorers by their names; one that is there twice, or is called as a model, gets its folder's too."""
    found: dict[str, Scorer] = {}
    for folder in folders:
        scorer = load(folder)
        name = scorer.manifest.name
        found[f"{name} ({folder})" if name in found or name in EVERY else name] = scorer
    return found


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
