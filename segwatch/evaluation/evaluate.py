"""Evaluates models and bundles on a cohort: everything that `report.json` holds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from threadpoolctl import threadpool_limits

from segwatch.cohorts.columns import TRAIN
from segwatch.cohorts.table import Cohort
from segwatch.errors import RefusedCohort
from segwatch.evaluation.bootstrap import Drawn, bootstrap
from segwatch.evaluation.burden import burden_entries
from segwatch.evaluation.entries import (
    Ablation,
    CohortEntry,
    ConstantEntry,
    FeaturesEntry,
    ModelEntry,
    Report,
    set_entries,
    with_intervals,
    with_refitted,
)
from segwatch.evaluation.intervals import FittedIntervals, fitted_intervals, interval_entries
from segwatch.evaluation.plan import Plan, ablations, left_out, plan_of, predicted
from segwatch.evaluation.report_entries import (
    DRAWN_POINTS,
    REFITTED,
    bootstrap_entry,
    constant_entries,
    sensitivity_tests,
)
from segwatch.evaluation.rivals import rival_entries
from segwatch.scoring.bundle import Scorer
from segwatch.statistics.coverage import DiceIntervals
from segwatch.statistics.verdicts import Judged
from segwatch.training.judge import as_served, by_protocol, intervals_as_served, lacking_opinion
from segwatch.training.models import EVERY

PAPERS = ("lr", "svm", "rr", "svr", "mlp")
PROTOCOL = "paper's protocol"
SERVED = "as served"
SAME_MODEL = "patients of the set resampled, the model kept"
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

    report: Report
    judged: Mapping[str, Judged]


def steps(asked: EvaluateOptions) -> int:
    """How many fits `evaluate` makes and tells of."""
    without = len(left_out(asked.features, asked.without)) if asked.models else 0
    return len(asked.models) * (2 * asked.replicates + without)


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
        fitted = (
            _fitted(prepared or cohort, asked, done) if asked.models else _FittedModels(None, {}, {}, {}, {})
        )
        return _reported(cohort, asked, fitted)


@dataclass(frozen=True)
class _FittedModels:
    """What came of the models that were fitted here; nothing where none was asked for."""

    plan: Plan | None
    judged: Mapping[str, Judged]
    intervals: Mapping[str, FittedIntervals | None]
    drawn: Drawn
    ablations: Mapping[str, tuple[Ablation, ...]]


def _fitted(prepared: Cohort, asked: EvaluateOptions, done: Callable[[int], None]) -> _FittedModels:
    plan = plan_of(
        prepared.select(asked.features),
        leave_patient_out=asked.leave_patient_out,
        directions=asked.directions,
    )
    without = left_out(asked.features, asked.without)
    judged = {name: predicted(plan, EVERY[name], asked.seed) for name in asked.models}
    intervals = {
        name: fitted_intervals(plan, name, asked.seed, made.predicted) for name, made in judged.items()
    }
    drawn = bootstrap(
        plan,
        asked.models,
        asked.replicates,
        seed=asked.seed,
        workers=asked.workers,
        parts=asked.parts,
        done=done,
    )
    return _FittedModels(
        plan, judged, intervals, drawn, ablations(plan, asked.models, without, asked.seed, done)
    )


def _reported(cohort: Cohort, asked: EvaluateOptions, fitted: _FittedModels) -> Evaluated:
    bundles = {name: _served(cohort, scorer) for name, scorer in asked.bundles.items()}
    models = {
        **{name: _trained_entry(cohort, name, asked, fitted) for name in fitted.judged},
        **{name: _bundle_entry(cohort, bundles[name], scorer) for name, scorer in asked.bundles.items()},
    }
    judged = {**fitted.judged, **bundles}
    report = Report(
        format="segwatch-report/1",
        cohort=CohortEntry(
            sha256=cohort.sha256(),
            rows=len(cohort),
            patients=len(set(cohort.patients.tolist())),
            sets={name: len(cohort.of_set(name)) for name in cohort.set_names},
        ),
        features=FeaturesEntry(set=asked.feature_set, names=asked.features),
        leave_patient_out=asked.leave_patient_out,
        seed=asked.seed,
        versions={library: version(library) for library in LIBRARIES},
        models=models,
        constants=_constants(cohort, asked, fitted.plan),
        bootstrap=bootstrap_entry(fitted.drawn, cohort.set_names, asked.replicates, asked.seed),
        p_value={name: sensitivity_tests(entry.sets) for name, entry in models.items()},
        ablation=dict(fitted.ablations),
        rivals=rival_entries(cohort, judged, models, asked.seed),
        burden=burden_entries(
            cohort,
            fitted.plan,
            asked.bundles,
            asked.seed,
            {name: any(one.resubstitution for one in entry.sets.values()) for name, entry in models.items()},
        ),
    )
    return Evaluated(report, judged)


def _check(asked: EvaluateOptions) -> None:
    unknown = [name for name in asked.models if name not in EVERY]
    if unknown:
        raise RefusedCohort(f"there is no model {unknown[0]!r}; there are {', '.join(EVERY)}")
    if asked.leave_patient_out and asked.bundles:
        raise RefusedCohort(
            "a bundle is not fitted anew, so it cannot be judged without a patient: "
            "leave out --bundle or --leave-patient-out"
        )


def _trained_entry(cohort: Cohort, name: str, asked: EvaluateOptions, fitted: _FittedModels) -> ModelEntry:
    recipe, intervals = EVERY[name], fitted.intervals[name]
    sets = set_entries(
        cohort,
        fitted.judged[name],
        resubstitution=not asked.leave_patient_out,
        probability=recipe.kind == "classifier",
    )
    found = None if intervals is None else interval_entries(cohort, intervals.plain, fitted=intervals)
    sets = with_intervals(sets, found)
    if asked.replicates:
        sets = with_refitted(sets, fitted.drawn[name, "patients"], "_ci")
        sets = with_refitted(sets, fitted.drawn[name, "points"], "_bootstrap_ci")
    return ModelEntry(
        title=recipe.title,
        kind=recipe.kind,
        judged=PROTOCOL,
        bundle=None,
        intervals={"ci": REFITTED, "bootstrap_ci": DRAWN_POINTS} if asked.replicates else {"ci": SAME_MODEL},
        sets=sets,
    )


def _served(cohort: Cohort, scorer: Scorer) -> Judged:
    """As served; the Dice of the authors' code is that of the model before calibration."""
    judged = as_served(scorer.model, scorer.manifest, cohort)
    judged = replace(judged, authors=by_protocol(scorer.model, scorer.manifest, cohort).authors)
    alone = lacking_opinion(scorer, cohort)
    if scorer.without_opinion is not None and alone.any():
        inner = _served(cohort.rows(alone), scorer.without_opinion)
        for name in ("bins", "predicted", "flagged", "score", "authors"):
            getattr(judged, name)[alone] = getattr(inner, name)
    return judged


def _intervals(cohort: Cohort, judged: Judged, scorer: Scorer) -> DiceIntervals:
    made = intervals_as_served(scorer.manifest, cohort, judged.predicted)
    alone = lacking_opinion(scorer, cohort)
    if scorer.without_opinion is not None and alone.any():
        inner = _intervals(cohort.rows(alone), judged.rows(alone), scorer.without_opinion)
        for name in ("low", "high", "outside"):
            getattr(made, name)[alone] = getattr(inner, name)
    return made


def _bundle_entry(cohort: Cohort, judged: Judged, scorer: Scorer) -> ModelEntry:
    plain = _intervals(cohort, judged, scorer)
    found = interval_entries(cohort, plain, scorer.manifest.interval.coverage)
    learnt = cohort.of_set(TRAIN).select(scorer.manifest.feature_names).sha256()
    trained_here = learnt == scorer.manifest.cohort.sha256
    sets = set_entries(cohort, judged, resubstitution=trained_here, probability=True)
    return ModelEntry(
        title=scorer.manifest.name,
        kind=scorer.manifest.kind,
        judged=SERVED,
        bundle=scorer.identity.sha256,
        intervals={"ci": SAME_MODEL},
        sets=with_intervals(sets, found),
    )


def _constants(cohort: Cohort, asked: EvaluateOptions, plan: Plan | None) -> dict[str, ConstantEntry]:
    """What looks at nothing: the mean Dice of the training rows, and everything flagged."""
    if plan is not None:
        mean = float(plan.train.dice.mean())
    elif TRAIN in cohort.set_names:
        mean = float(cohort.of_set(TRAIN).dice.mean())
    else:
        mean = next(iter(asked.bundles.values())).manifest.cohort.mean_dice
    return constant_entries(cohort, mean)
