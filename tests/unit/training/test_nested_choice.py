"""A scorer is chosen for each patient by the others' rows, and the simplest that is good enough."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from segwatch.cohorts.table import Cohort
from segwatch.errors import RefusedCohort
from segwatch.training.leave_patient_out import leave_patient_out
from segwatch.training.nested_choice import Candidate, best_by_row, choose_nested, picked

MakeCohort = Callable[..., Cohort]
SIMPLE, OTHER = Candidate("rr", "paper4"), Candidate("lr", "paper4")
ON_VOLUME = Candidate("rr", "lesion_volume_ml,connected_components")


def test_each_patient_is_judged_by_one_of_the_candidates_without_them(make_cohort: MakeCohort):
    cohort = make_cohort(patients=14, tests=0)
    found = choose_nested(cohort, (SIMPLE, OTHER), seed=0, workers=1)

    assert sum(found.patients.values()) == 14
    assert found.refused == {}
    by_simple, _ = leave_patient_out(cohort, "rr", "paper4", seed=0, most=20)
    by_other, _ = leave_patient_out(cohort, "lr", "paper4", seed=0, most=20)
    said = found.left_out.judged.predicted
    assert all(np.isin(said, [by_simple.judged.predicted, by_other.judged.predicted]))


def test_another_patients_truth_changes_what_is_said_and_ones_own_does_not(make_cohort: MakeCohort):
    cohort = make_cohort(patients=12, tests=0)
    mine = cohort.patients == "patient-3"
    changed = replace(cohort, dice=np.where(mine, 1 - cohort.dice, cohort.dice))

    before, after = (
        choose_nested(each, (SIMPLE, OTHER), seed=0, workers=1).left_out.judged.predicted
        for each in (cohort, changed)
    )

    assert (before[mine] == after[mine]).all()
    assert (before[~mine] != after[~mine]).any()


def test_a_candidate_that_cannot_be_trained_is_named_and_the_others_are_tried(make_cohort: MakeCohort):
    found = choose_nested(make_cohort(patients=10, tests=0), (ON_VOLUME, SIMPLE), seed=0, workers=1)

    assert found.usual == SIMPLE
    assert "lesion_volume_ml" in found.refused[ON_VOLUME.title]


def test_where_no_candidate_can_be_trained_it_is_said_why(make_cohort: MakeCohort):
    with pytest.raises(RefusedCohort, match="lesion_volume_ml"):
        choose_nested(make_cohort(patients=10, tests=0), (ON_VOLUME,), seed=0, workers=1)


def test_patients_are_left_out_together_where_they_are_many(make_cohort: MakeCohort):
    cohort = make_cohort(patients=14, tests=0)
    alone, _ = leave_patient_out(cohort, "rr", "paper4", seed=0)
    together, _ = leave_patient_out(cohort, "rr", "paper4", seed=0, most=3)

    assert np.isfinite(together.judged.predicted).all()
    assert len(set(together.learnt_mae.tolist())) == 3
    assert (alone.judged.predicted != together.judged.predicted).any()


def test_the_first_that_is_not_shown_to_be_worse_is_taken(make_cohort: MakeCohort):
    cohort = make_cohort(patients=8, tests=0)
    made, _ = leave_patient_out(cohort, "rr", "paper4", seed=0)
    n = len(cohort)

    def with_error(mae: float, error: float = 0.02):
        return replace(made, learnt_mae=np.full(n, mae), learnt_error=np.full(n, error))

    outcomes = [with_error(0.2), with_error(0.115), with_error(0.1)]
    assert set(best_by_row(outcomes)) == {1}
    assert (picked(outcomes, best_by_row(outcomes)).learnt_mae == 0.115).all()
