"""What `segwatch evaluate` does, once it is called: opens, evaluates, and writes the report."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from segwatch.cohorts.measuring import How, request_of
from segwatch.cohorts.opening import Opened, open_cohort
from segwatch.cohorts.table import Cohort
from segwatch.cohorts.write_table import write_table
from segwatch.errors import BadInput
from segwatch.evaluation.evaluate import PAPERS, Evaluated, EvaluateOptions, evaluate, steps
from segwatch.evaluation.report.burden_section import burden_in_words
from segwatch.evaluation.report.page import page
from segwatch.evaluation.report.pictures import draw_all
from segwatch.evaluation.report.rivals_section import not_measurable
from segwatch.evaluation.report.worst_misses import draw_misses
from segwatch.features.files import scene_of_files
from segwatch.features.registry import PAPER4
from segwatch.features.scene import Scene
from segwatch.files import write_whole
from segwatch.progress import progress
from segwatch.scoring.bundle import Scorer, load
from segwatch.statistics.figures_table import figures_table
from segwatch.statistics.set_figures import RANKING, SetFigures
from segwatch.statistics.verdicts import Judged
from segwatch.terminal import new_console
from segwatch.training.feature_sets import FeatureSet, feature_set
from segwatch.training.models import EVERY

REPORT = "report.json"
PARTS = ".unfinished"
PICTURES = "pictures"
NO_IMAGES = (
    "The four-feature figure of the worst misses needs the images: it is drawn where the cohort is a folder "
    "of cases, and this one is a table."
)
IN_SHORT = {
    "verdicts (* judged on what it was fitted on)": (
        "n",
        "sensitivity",
        "binary specificity",
        "bin specificity (micro)",
        "AUROC",
    ),
    "predicted Dice": ("MAE ± std", *RANKING),
}
"""What is printed: tables by title."""


@dataclass(frozen=True)
class EvaluateArguments:
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
    lung: str | None
    lesion_label: str = ""


def evaluate_and_report(cohort: Path, out: Path, wanted: EvaluateArguments) -> None:
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
        lung=wanted.lung,
        lesion_label=wanted.lesion_label,
        unfinished=asked.parts,
        measures=out / "cohort.parquet",
        workers=wanted.workers,
        patients_may_share=wanted.leave_patient_out,
    )
    with progress("fits", steps(asked)) as done:
        prepared = chosen.prepare(opened.cohort) if asked.models else None
        found = evaluate(opened.cohort, asked, done, prepared)
    write_report(out, opened, found)
    shutil.rmtree(asked.parts, ignore_errors=True)
    _print_in_short(found, out)


def write_report(out: Path, opened: Opened, found: Evaluated) -> None:
    """Pictures, single predictions, page, and last `report.json`."""
    pictures, notes = draw_all(found.report, found.judged, opened.cohort.sets, out / PICTURES), [NO_IMAGES]
    if opened.how is not None:
        model, judged = next(iter(found.judged.items()))
        misses, notes = draw_misses(model, judged, opened.cohort, _scenes(opened, opened.how), out / PICTURES)
        pictures += misses
    write_table(out / "predictions.csv", predictions(opened.cohort, found.judged))
    write_whole(out / "report.html", page(found.report, pictures, out / PICTURES, notes))
    write_whole(out / REPORT, found.report.written())


def _scenes(opened: Opened, how: How) -> Callable[[str], Scene]:
    """Each case of a folder as it was measured."""
    return lambda case: scene_of_files(
        request_of(opened.folders[case], replace(how, features=PAPER4)), streamed=False
    )


def predictions(cohort: Cohort, judged: Mapping[str, Judged]) -> pa.Table:
    """A row for each model and study: true and predicted Dice, bin (0 to 4), verdict, failure score.

    Predicted Dice and score are empty where the study is undefined.
    """
    return pa.concat_tables(
        pa.table(
            {
                "model": [model] * len(cohort),
                "case": cohort.cases.tolist(),
                "patient": cohort.patients.tolist(),
                "set": cohort.sets.tolist(),
                "dice": cohort.dice,
                "predicted_dice": pa.array(made.predicted, mask=np.isnan(made.predicted)),
                "predicted_bin": made.bins,
                "predicted_failed": made.flagged,
                "failure_score": pa.array(made.score, mask=np.isnan(made.predicted)),
            }
        )
        for model, made in judged.items()
    )


def _print_in_short(found: Evaluated, out: Path) -> None:
    """The figures in short, and where everything is."""
    sections: dict[str, dict[str, SetFigures]] = {
        name: {
            model + "*" * entry.sets[name].resubstitution: entry.sets[name]
            for model, entry in found.report.models.items()
        }
        for name in found.report.cohort.sets
    }
    for rival in found.report.rivals.values():
        for name, one in rival.sets.items():
            if one is not None:
                sections[name][f"rival: {rival.title}"] = one.figures
    console = new_console()
    console.print(*(figures_table(sections, columns, title) for title, columns in IN_SHORT.items()))
    for sentence in (*not_measurable(found.report), *burden_in_words(found.report)):
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    console.print(f"{out / 'report.html'}, {REPORT}, predictions.csv, {PICTURES}/", soft_wrap=True)


def _asked(out: Path, wanted: EvaluateArguments, chosen: FeatureSet) -> EvaluateOptions:
    return EvaluateOptions(
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


def _needed(asked: EvaluateOptions, chosen: FeatureSet) -> tuple[str, ...]:
    """Every feature that a model or a bundle needs of a study."""
    of_bundles = (name for scorer in asked.bundles.values() for name in scorer.manifest.feature_names)
    return tuple(dict.fromkeys((*(chosen.features if asked.models else ()), *of_bundles)))


def _models(wanted: EvaluateArguments) -> tuple[str, ...]:
    if wanted.models is None:
        return () if wanted.bundles else PAPERS
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
