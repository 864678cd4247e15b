"""How often intervals hold the truth: of studies, of patients, in sets like the cohort or not."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segwatch.cohorts.table import Cohort
from segwatch.evaluation.evaluate import EvaluateOptions, evaluate
from segwatch.features.registry import PAPER4
from segwatch.scoring.bundle import Scorer, load, save
from segwatch.statistics.conformal import effective, site_interval
from segwatch.statistics.coverage import DiceIntervals, PatientCoverage, coverage
from segwatch.training.train import Choices, train

MakeCohort = Callable[..., Cohort]
Report = dict[str, Any]
DICE = np.linspace(0.1, 0.9, 40)
PATIENTS = np.array([f"p{row // 8}" for row in range(40)])


def around(half: float, moved: float = 0.0) -> DiceIntervals:
    return DiceIntervals(DICE + moved - half, DICE + moved + half, np.zeros(40, np.bool_))


def test_each_patient_counts_apart_and_those_outside_are_left_out() -> None:
    intervals = around(0.1)
    intervals.low[PATIENTS == "p3"] = 0.99
    intervals.outside[:4] = True
    found = coverage(intervals, DICE, PATIENTS)
    assert found.n == 36
    assert found.covered == pytest.approx(28 / 36)
    assert found.outside == pytest.approx(0.1)
    assert found.worst_patient == 0
    assert found.patients[0] == PatientCoverage(n=8, covered=0.0)
    assert sorted(each.n for each in found.patients) == [4, 8, 8, 8, 8]
    assert found.covered_ci is not None
    assert found.covered_ci[0] < 28 / 36 < found.covered_ci[1]


def test_the_worst_of_few_patients_has_no_interval_over_patients() -> None:
    few = np.array([f"p{row // 20}" for row in range(40)])
    assert coverage(around(0.1), DICE, few).worst_patient == 1
    assert coverage(around(0.1), DICE, few).worst_patient_ci is None
    assert coverage(around(0.1), DICE, PATIENTS).worst_patient_ci == (1.0, 1.0)


def test_studies_without_an_interval_are_not_counted() -> None:
    assert coverage(DiceIntervals.none(40), DICE, PATIENTS).covered is None
    single = np.array([f"p{row}" for row in range(40)])
    assert coverage(around(0.1), DICE, single).worst_patient is None


def report_of(cohort: Cohort, parts: Path, **other: Any) -> Report:
    asked = EvaluateOptions("paper4", PAPER4, ("rr",), {}, 0, False, (), 0, 1, parts)
    report = evaluate(cohort, replace(asked, **other), lambda _: None).report
    found: Report = json.loads(report.written())
    return found


@pytest.fixture
def shifted(make_cohort: MakeCohort) -> Cohort:
    """A cohort whose errors are large where Dice is low, and a test set of those studies only."""
    cohort = make_cohort(patients=150, tests=30)
    generator = np.random.default_rng(3)
    low = (cohort.dice < 0.4) | (cohort.sets == "train")
    cohort.dice[:] += generator.normal(size=len(cohort)) * 0.3 * (1 - cohort.dice)
    return replace(cohort.rows(low), dice=np.clip(cohort.dice[low], 0, 1))


def test_every_set_says_how_often_its_intervals_hold_and_weights_follow_a_test_set(
    shifted: Cohort, tmp_path: Path
) -> None:
    sets = report_of(shifted, tmp_path)["models"]["rr"]["sets"]
    plain, weighted = sets["test"]["interval"], sets["test"]["interval"]["weighted"]
    assert sets["train"]["interval"]["weighted"] is None
    assert plain["nominal"] == 0.8
    assert sum(each["n"] for each in plain["patients"]) == plain["n"]
    assert 20 < weighted["effective"] < len(shifted.of_set("train"))
    assert weighted["half_width"] != plain["half_width"]
    assert abs(weighted["covered"] - 0.8) < 0.12


def test_no_interval_is_weighted_where_hardly_a_training_row_is_like_the_set(
    make_cohort: MakeCohort, tmp_path: Path
) -> None:
    cohort = make_cohort(patients=60, tests=10)
    cohort.values[cohort.sets == "test"] += 30 * cohort.values.std(axis=0)
    found = report_of(cohort, tmp_path)["models"]["rr"]["sets"]["test"]["interval"]
    assert found["outside"] == 1.0
    assert found["weighted"]["effective"] < 20
    assert found["weighted"]["covered"] is None


def test_without_a_patient_their_intervals_are_made_of_the_others(
    make_cohort: MakeCohort, tmp_path: Path
) -> None:
    cohort = make_cohort(patients=12, tests=0)
    found = report_of(cohort, tmp_path, leave_patient_out=True)["models"]["rr"]["sets"]["train"]
    assert not found["resubstitution"]
    assert 0.5 < found["interval"]["covered"] <= 1


def test_a_given_bundle_brings_its_interval_and_no_rows_to_weight(
    make_cohort: MakeCohort, tmp_path: Path
) -> None:
    cohort = make_cohort()
    trained = train(cohort, "ordinal", "paper4", choices=Choices(resamples=0))
    save(tmp_path, trained.skops, trained.manifest, "card")
    bundles: dict[str, Scorer] = {"mine": load(tmp_path)}
    report = report_of(cohort, tmp_path, models=(), bundles=bundles)
    found = report["models"]["mine"]["sets"]["test"]["interval"]
    assert found["weighted"] is None
    assert 0.5 < found["covered"] <= 1


def test_equal_weights_leave_all_rows_and_few_rows_make_no_interval() -> None:
    assert effective(np.ones(40)) == pytest.approx(40)
    # Ratios far below 1 on average: most of the site lies where the cohort has no row.
    assert effective(np.full(40, 0.1)) == pytest.approx(4)
    assert site_interval(DICE, DICE - 0.5, np.eye(40)[0], PATIENTS) is None
    assert site_interval(DICE, DICE - 0.5, np.ones(40), PATIENTS) is not None
