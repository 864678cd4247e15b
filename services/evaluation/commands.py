"""What `segwatch evaluate` does, once it is called: thin, and with heavy imports."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.contracts.errors import BadSettings
from services.evaluation import evaluate as core
from services.evaluation.cohort import read_cohort
from services.evaluation.models import MODELS
from services.features.registry import SETS
from services.scoring.bundle import Scorer, load

REPORT = "report.json"
PARTS = ".unfinished"


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


def evaluate(cohort: Path, out: Path, wanted: Wanted) -> None:
    """Evaluate, and write the report into `out`; its JSON last.

    Raises:
        RefusedCohort, BadSettings: what was given cannot be evaluated; nothing is written.
    """
    if out.exists() and not out.is_dir():
        raise BadSettings(f"{out} is a file; --out names a folder for the report")
    asked = _asked(out, wanted)
    table = read_cohort(cohort, patients_may_share=wanted.leave_patient_out)
    with fits(core.steps(asked)) as done:
        found = core.evaluate(table, asked, done)
    out.mkdir(parents=True, exist_ok=True)
    _write(out / REPORT, core.written(found.report))
    shutil.rmtree(asked.parts, ignore_errors=True)
    Console(stderr=True).print(f"{out / REPORT}")


@contextmanager
def fits(total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar of so many fits."""
    columns = (TextColumn("fits"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("fits", total=total)
        yield lambda number: progress.advance(bar, number)


def _asked(out: Path, wanted: Wanted) -> core.Asked:
    feature_set, features = _features(wanted.features)
    return core.Asked(
        feature_set=feature_set,
        features=features,
        models=_models(wanted),
        bundles=_bundles(wanted.bundles),
        replicates=wanted.replicates,
        leave_patient_out=wanted.leave_patient_out,
        without=tuple(_names(text) for text in wanted.without),
        seed=wanted.seed,
        workers=wanted.workers,
        parts=out / PARTS,
    )


def _features(text: str) -> tuple[str, tuple[str, ...]]:
    """The set's name (`own` for a list) and the features it stands for."""
    if text in SETS:
        return text, SETS[text]
    names = _names(text)
    if not names:
        raise BadSettings(f"--features names no feature; it is one of {', '.join(SETS)}, or features' names")
    return "own", names


def _models(wanted: Wanted) -> tuple[str, ...]:
    if wanted.models is None:
        return () if wanted.bundles else core.PAPERS
    names = _names(wanted.models)
    unknown = [name for name in names if name not in MODELS]
    if unknown:
        raise BadSettings(f"there is no model {unknown[0]!r}; there are {', '.join(MODELS)}")
    return names


def _bundles(folders: tuple[Path, ...]) -> Mapping[str, Scorer]:
    """The scorers by their names; one that is there twice, or is called as a model, gets its folder's too."""
    found: dict[str, Scorer] = {}
    for folder in folders:
        scorer = load(folder)
        name = scorer.manifest.name
        found[f"{name} ({folder})" if name in found or name in MODELS else name] = scorer
    return found


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.tmp")
    beside.write_text(text)
    beside.replace(path)
