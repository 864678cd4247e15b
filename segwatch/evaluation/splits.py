"""Who is predicted by a model that was fitted on whom."""

from dataclasses import dataclass

import numpy as np

from segwatch.cohorts.table import Cohort, Flags, training_rows


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

    @property
    def sets(self) -> tuple[str, ...]:
        """The names of the sets."""
        return self.cohort.set_names

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
