"""Who is predicted by a model that was fitted on whom, with all features or without some."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from segwatch.arrays import Flags
from segwatch.cohorts.table import Cohort, training_rows
from segwatch.errors import RefusedCohort
from segwatch.evaluation.entries import Ablation, short_entries
from segwatch.statistics.verdicts import Judged, fill_by_protocol
from segwatch.training.models import EVERY, ModelRecipe, fit

Names = tuple[str, ...]
ALL_SUBSETS_UP_TO = 4
"""With so many features every subset is left out, with more each feature once."""


@dataclass(frozen=True)
class Split:
    """Rows to learn from, among the plan's `train` (t,), and rows to predict, among its `cohort` (n,)."""

    learn: Flags
    predict: Flags


@dataclass(frozen=True)
class Plan:
    """A cohort with the columns that models read, its rows that can be learnt from, and the splits.

    The splits' `predict` cover every row once. `directions` are those of a `FeatureSet`, for monotone models.
    """

    cohort: Cohort
    train: Cohort
    splits: tuple[Split, ...]
    leave_patient_out: bool
    directions: tuple[int, ...] = ()

    def of_set(self, name: str) -> Flags:
        """The rows (n,) of a set."""
        return np.asarray(self.cohort.sets == name, dtype=np.bool_)


def plan_of(cohort: Cohort, *, leave_patient_out: bool = False, directions: tuple[int, ...] = ()) -> Plan:
    """One model of all training rows for all; or for each patient of `train` one fitted without that patient.

    Raises:
        RefusedCohort: nothing sound can be trained on the set `train`.
    """
    train = training_rows(cohort)
    train = train.rows(train.defined)
    everyone = np.ones(len(cohort), dtype=np.bool_)
    if not leave_patient_out:
        return Plan(cohort, train, (Split(np.ones(len(train), dtype=np.bool_), everyone),), False, directions)
    known = sorted(set(train.patients.tolist()))
    splits = [Split(train.patients != name, cohort.patients == name) for name in known]
    strangers = ~np.isin(cohort.patients, known)
    if strangers.any():
        splits.append(Split(np.ones(len(train), dtype=np.bool_), strangers))
    return Plan(cohort, train, tuple(splits), True, directions)


def predicted(plan: Plan, recipe: ModelRecipe, seed: int) -> Judged:
    """What the model makes of every row of the cohort, each by the fit that its split names."""
    judged = Judged.undefined(plan.cohort.dice)
    for split in plan.splits:
        learn = plan.train.rows(split.learn)
        fitted = fit(recipe, learn.values, learn.dice, seed, plan.directions)
        rows = plan.cohort.defined & split.predict
        fill_by_protocol(judged, rows, recipe.kind, fitted, plan.cohort.values[rows])
    return judged


def left_out(features: Names, asked: Iterable[Names] = ()) -> list[Names]:
    """Which features are left out together, each ablation once; the single ones first.

    Raises:
        RefusedCohort: what was asked for names a feature that is not there, or leaves none.
    """
    most = len(features) - 1 if len(features) <= ALL_SUBSETS_UP_TO else 1
    chosen = [names for size in range(1, most + 1) for names in combinations(features, size)]
    for names in asked:
        strange = [name for name in names if name not in features]
        if strange:
            raise RefusedCohort(f"cannot leave out {strange[0]}: the features are {', '.join(features)}")
        if len(set(names)) == len(features):
            raise RefusedCohort("cannot leave out every feature")
        chosen.append(tuple(name for name in features if name in names))
    return list(dict.fromkeys(chosen))


def ablations(
    whole: Plan, models: Sequence[str], without: Sequence[Names], seed: int, done: Callable[[int], None]
) -> dict[str, tuple[Ablation, ...]]:
    """For each model its figures for every set without the features, fitted anew; intervals keep the model.

    Leaving features out is the same as naming the others: rows are defined where those are.
    """
    found: dict[str, list[Ablation]] = {model: [] for model in models}
    for names in without:
        plan = _without(whole, names)
        for model in models:
            sets = short_entries(plan.cohort, predicted(plan, EVERY[model], seed))
            found[model].append(Ablation(left_out=names, features=plan.cohort.features, sets=sets))
            done(1)
    return {model: tuple(made) for model, made in found.items()}


def _without(plan: Plan, names: Names) -> Plan:
    left = [number for number, name in enumerate(plan.cohort.features) if name not in names]
    return plan_of(
        plan.cohort.select(tuple(plan.cohort.features[number] for number in left)),
        leave_patient_out=plan.leave_patient_out,
        directions=tuple(plan.directions[number] for number in left if plan.directions),
    )
