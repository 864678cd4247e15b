"""Evaluates models and bundles on a cohort: everything that `report.json` holds."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from segwatch.cohorts.table import TRAIN, Cohort
from segwatch.errors import RefusedCohort
from segwatch.evaluation import ablation
from segwatch.evaluation.bootstrap import Drawn, bootstrap
from segwatch.evaluation.fitted_intervals import FittedIntervals, held
from segwatch.evaluation.interval_entries import add_intervals, interval_entries
from segwatch.evaluation.paper_protocol import authors_dice
from segwatch.evaluation.replicates import POINTS as DRAWN_POINTS
from segwatch.evaluation.set_entries import (
    KEPT,
    POINTS,
    REFITTED,
    Entry,
    add_refitted,
    as_json,
    predicted,
    set_entries,
)
from segwatch.evaluation.splits import Plan, plan_of
from segwatch.scoring.bundle import Scorer
from segwatch.scoring.terms import columns
from segwatch.statistics import binomial
from segwatch.statistics.dice_intervals import ends_as_served
from segwatch.statistics.figures import Judged, constants
from segwatch.statistics.figures_of_resamples import FIGURES, Made
from segwatch.training.judge import as_served, by_protocol
from segwatch.training.models import EVERY

PAPERS = ("lr", "svm", "rr", "svr", "mlp")
PROTOCOL = "paper's protocol"
SERVED = "as served"
LIBRARIES = ("numpy", "scikit-learn", "scipy", "segwatch")


@dataclass(frozen=True)
class EvaluateOptions:
    """What is evaluated, and how.

    Attributes:
        features: the columns that the models read, in order; bundles know their own.
        directions: in which Dice goes with them, for monotone models; may be empty.
        models: names in EVERY, fitted on the set `train`. bundles: scorers, taken as they are.
        replicates: retrainings of each model in each of the two ways of drawing.
        leave_patient_out: each patient is predicted by a model that was fitted without them.
        without: features to leave out together, beside the ablations that are always made.
        parts: a folder for what is finished before the report is.
    """

    feature_set: str
    features: tuple[str, ...]
    models: tuple[str, ...]
    bundles: Mapping[str, Scorer]
    replicates: int
    leave_patient_out: bool
    without: tuple[tuple[str, ...], ...]
    seed: int
    workers: int
    parts: Path
    directions: tuple[int, ...] = ()


@dataclass(frozen=True)
class Evaluated:
    """The report, and each model's judgement of every row of the cohort."""

    report: Entry
    judged: Mapping[str, Judged]


def steps(asked: EvaluateOptions) -> int:
    """How many fits `evaluate` makes and tells of."""
    ablations = len(ablation.left_out(asked.features, asked.without)) if asked.models else 0
    return len(asked.models) * (2 * asked.replicates + ablations)


def evaluate(
    cohort: Cohort, asked: EvaluateOptions, done: Callable[[int], None], prepared: Cohort | None = None
) -> Evaluated:
    """All figures of all models for every set of the cohort.

    Args:
        cohort: with the columns of every bundle. asked: what is wanted.
        done: called with the number of fits that were finished.
        prepared: the same rows with the columns that the models read; the cohort itself where not given.

    Raises:
        RefusedCohort: nothing sound can be trained or said; says why.
    """
    _check(asked)
    with threadpool_limits(1):  # the matrices are small, and threads only wait for each other
        fitted = _fitted(prepared or cohort, asked, done) if asked.models else _Fitted(None, {}, {}, {}, {})
        return _reported(cohort, asked, fitted)


@dataclass(frozen=True)
class _Fitted:
    """What came of the models that were fitted here; nothing where none was asked for."""

    plan: Plan | None
    made: Mapping[str, Made]
    held: Mapping[str, FittedIntervals | None]
    drawn: Drawn
    ablation: Mapping[str, list[Entry]]


def _fitted(prepared: Cohort, asked: EvaluateOptions, done: Callable[[int], None]) -> _Fitted:
    plan = plan_of(
        prepared.select(asked.features),
        leave_patient_out=asked.leave_patient_out,
        directions=asked.directions,
    )
    without = ablation.left_out(asked.features, asked.without)
    made = {name: predicted(plan, name, asked.seed) for name in asked.models}
    intervals = {name: held(plan, name, asked.seed, each.predicted[0]) for name, each in made.items()}
    drawn = bootstrap(
        plan,
        asked.models,
        asked.replicates,
        seed=asked.seed,
        workers=asked.workers,
        parts=asked.parts,
        done=done,
    )
    ablations = ablation.ablation(plan, asked.models, without, asked.seed, done)
    return _Fitted(plan, made, intervals, drawn, ablations)


def _reported(cohort: Cohort, asked: EvaluateOptions, fitted: _Fitted) -> Evaluated:
    made = dict(fitted.made)
    models = {name: _trained_entry(cohort, name, each, asked) for name, each in made.items()}
    for name, entry in models.items():
        of_model = fitted.held[name]
        found = None if of_model is None else interval_entries(cohort, of_model.plain, weighted=of_model)
        add_intervals(entry["sets"], found)
        if asked.replicates:
            add_refitted(entry["sets"], fitted.drawn[name, "patients"], "_ci")
            add_refitted(entry["sets"], fitted.drawn[name, "points"], "_bootstrap_ci")
    for name, scorer in asked.bundles.items():
        made[name] = _served(cohort, scorer)
        models[name] = _bundle_entry(cohort, made[name], scorer)
    report = {
        "format": "segwatch-report/1",
        **_about(cohort, asked),
        "models": models,
        "constants": _constants(cohort, asked, fitted.plan),
        "bootstrap": _bootstrap(asked, fitted.drawn, cohort.set_names),
        "p_value": {name: _p_values(entry["sets"]) for name, entry in models.items()},
        "ablation": fitted.ablation,
    }
    return Evaluated(report, {name: each.first(cohort.dice) for name, each in made.items()})


def _check(asked: EvaluateOptions) -> None:
    unknown = [name for name in asked.models if name not in EVERY]
    if unknown:
        raise RefusedCohort(f"there is no model {unknown[0]!r}; there are {', '.join(EVERY)}")
    if asked.leave_patient_out and asked.bundles:
        raise RefusedCohort(
            "a bundle is not fitted anew, so it cannot be judged without a patient: "
            "leave out --bundle or --leave-patient-out"
        )


def _trained_entry(cohort: Cohort, name: str, made: Made, asked: EvaluateOptions) -> Entry:
    recipe = EVERY[name]
    refitted = {"ci": REFITTED, "bootstrap_ci": POINTS} if asked.replicates else {"ci": KEPT}
    return {
        "title": recipe.title,
        "kind": recipe.kind,
        "judged": PROTOCOL,
        "bundle": None,
        "intervals": refitted,
        "sets": set_entries(
            cohort,
            made,
            resubstitution=not asked.leave_patient_out,
            probability=recipe.kind == "classifier",
        ),
    }


def _served(cohort: Cohort, scorer: Scorer) -> Made:
    judged = as_served(scorer.model, scorer.manifest, cohort)
    rows = cohort.select(scorer.manifest.feature_names)
    authors = np.full(len(cohort), np.nan)
    if scorer.manifest.kind == "classifier":
        raw = by_protocol(scorer.model, scorer.manifest, cohort)
        authors[rows.defined] = authors_dice(raw.bins[rows.defined])
    elif rows.defined.any():
        read = columns(scorer.manifest.terms, rows.features, rows.values[rows.defined])
        authors[rows.defined] = scorer.model.predict(read)
    return Made.of(judged, authors)


def _bundle_entry(cohort: Cohort, made: Made, scorer: Scorer) -> Entry:
    sets = set_entries(cohort, made, resubstitution=True, probability=True)
    plain = ends_as_served(scorer.manifest, cohort, made.predicted[0])
    add_intervals(sets, interval_entries(cohort, plain, scorer.manifest.interval.coverage))
    return {
        "title": scorer.manifest.name,
        "kind": scorer.manifest.kind,
        "judged": SERVED,
        "bundle": scorer.identity.sha256,
        "intervals": {"ci": KEPT},
        "sets": sets,
    }


def _about(cohort: Cohort, asked: EvaluateOptions) -> Entry:
    return {
        "cohort": {
            "sha256": cohort.sha256(),
            "rows": len(cohort),
            "patients": len(set(cohort.patients.tolist())),
            "sets": {name: len(cohort.of_set(name)) for name in cohort.set_names},
        },
        "features": {"set": asked.feature_set, "names": list(asked.features)},
        "leave_patient_out": asked.leave_patient_out,
        "seed": asked.seed,
        "versions": {library: version(library) for library in LIBRARIES},
    }


def _constants(cohort: Cohort, asked: EvaluateOptions, plan: Plan | None) -> Entry:
    """What looks at nothing: the mean Dice of the training rows, and everything flagged."""
    if plan is not None:
        mean = float(plan.train.dice.mean())
    elif TRAIN in cohort.set_names:
        mean = float(cohort.of_set(TRAIN).dice.mean())
    else:
        mean = next(iter(asked.bundles.values())).manifest.cohort.mean_dice
    entries = {}
    for title, judged in constants(cohort.dice, np.array([mean])).items():
        made = Made.of(judged, judged.predicted)
        sets = set_entries(cohort, made, resubstitution=True, probability=False)
        value = float(judged.predicted[0])
        entries[title.replace(" ", "_")] = {"title": title, "predicted_dice": value, "sets": sets}
    return entries


def _bootstrap(asked: EvaluateOptions, drawn: Drawn, sets: Sequence[str]) -> Entry:
    """How often, from which seed, and how the figures of the retrainings are spread."""
    spread: dict[str, Entry] = {}
    for (model, way), figures in drawn.items():
        of_way = spread.setdefault(model, {}).setdefault(way, {})
        for number, name in enumerate(sets):
            of_way[name] = {
                figure: _spread(figures[:, number, column]) for column, figure in enumerate(FIGURES)
            }
    return {
        "replicates": asked.replicates,
        "seed": asked.seed,
        "points": DRAWN_POINTS,
        "ways": {"points": POINTS, "patients": REFITTED},
        "models": spread,
    }


def _spread(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Entry:
    known = values[~np.isnan(values)]
    if not len(known):
        return {"defined": 0, "mean": None, "sd": None}
    return {"defined": len(known), "mean": as_json(known.mean()), "sd": as_json(known.std())}


def _p_values(sets: Mapping[str, Entry]) -> Entry:
    """The exact binomial test of each set's sensitivity, one-sided at 0.05."""
    return {
        name: {
            "found": entry["found"],
            "failed": entry["failed"],
            "alpha": binomial.ALPHA,
            "largest_rejected": binomial.largest_rejected(entry["found"], entry["failed"]),
            "largest_rejected_on_grid": binomial.largest_rejected_on_grid(entry["found"], entry["failed"]),
        }
        for name, entry in sets.items()
    }


def written(report: Entry) -> str:
    """The report as JSON; NaN never stands in it."""
    return json.dumps(report, indent=1, allow_nan=False) + "\n"
