"""The field's rivals beside every scorer: fitted without the patient, or named as not measurable."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import LinearRegression

from segwatch.cohorts.table import Cohort
from segwatch.evaluation.entries import RivalEntry
from segwatch.evaluation.evaluate import Evaluated, EvaluateOptions, evaluate
from segwatch.evaluation.report.rivals_section import not_measurable, rivals_section
from segwatch.evaluation.rivals import RIVALS, rival_entries
from segwatch.features.registry import PAPER4
from tests.support.cohorts import made_up


def with_given(cohort: Cohort, **lacking: slice) -> Cohort:
    """The cohort with what segmentation says: agreement that follows the Dice closely, the others loosely."""
    draw = np.random.default_rng(3)
    columns = {
        "fold_agreement": np.clip(cohort.dice + draw.normal(0, 0.02, len(cohort)), 0, 1),
        "mean_foreground_probability": 0.6 + 0.3 * cohort.dice + draw.normal(0, 0.1, len(cohort)),
        "probability_entropy": draw.uniform(0, 1, len(cohort)),
        "lesion_volume_ml": draw.uniform(1, 500, len(cohort)),
    }
    for name, rows in lacking.items():
        columns[name][rows] = np.nan
    values = np.column_stack([cohort.values, *columns.values()])
    return replace(cohort, features=(*cohort.features, *columns), values=values)


def evaluated(cohort: Cohort, folder: Path, **other: object) -> Evaluated:
    asked = EvaluateOptions("paper4", PAPER4, ("rr",), {}, 0, False, (), 0, 1, folder / "parts")
    return evaluate(cohort, replace(asked, **other), lambda _: None)  # type: ignore[arg-type]


def rivals_of(cohort: Cohort, folder: Path, **other: object) -> dict[str, RivalEntry]:
    return evaluated(cohort, folder, **other).report.rivals


def test_each_patient_is_predicted_by_a_rival_that_has_not_seen_them(tmp_path: Path) -> None:
    cohort = with_given(made_up(16, tests=6))
    entry = rivals_of(cohort, tmp_path)["agreement"].sets["train"]
    assert entry is not None
    train = cohort.of_set("train")
    value = train.select(("fold_agreement",)).values
    said = np.empty(len(train))
    for patient in set(train.patients):
        mine = train.patients == patient
        said[mine] = LinearRegression().fit(value[~mine], train.dice[~mine]).predict(value[mine])
    assert entry.figures.mae == pytest.approx(np.abs(said - train.dice).mean(), abs=0.01)
    assert entry.figures.spearman == pytest.approx(spearmanr(said, train.dice).statistic, abs=0.01)


def test_a_rival_is_set_beside_a_scorer_on_the_same_studies(tmp_path: Path) -> None:
    found = evaluated(with_given(made_up(16, tests=6)), tmp_path).report
    entry = found.rivals["agreement"].sets["test"]
    assert entry is not None
    spearman = entry.scorer_less_rival["rr"]["spearman"]
    assert spearman.scorer == pytest.approx(found.models["rr"].sets["test"].spearman)
    assert spearman.difference == pytest.approx(spearman.scorer - entry.figures.spearman)
    assert spearman.difference_ci is not None
    assert spearman.difference_ci[0] <= spearman.difference <= spearman.difference_ci[1]
    assert entry.scorer_less_rival["rr"]["mae"].difference > 0, (
        "agreement was made to follow the Dice closely"
    )


def test_a_scorer_that_learnt_from_the_studies_is_not_compared_on_them(tmp_path: Path) -> None:
    cohort = with_given(made_up(16, tests=6))
    learnt = rivals_of(cohort, tmp_path)["agreement"].sets["train"]
    left_out = rivals_of(cohort, tmp_path, leave_patient_out=True)["agreement"].sets["train"]
    assert learnt is not None
    assert left_out is not None
    assert learnt.scorer_less_rival == {}
    assert set(left_out.scorer_less_rival) == {"rr"}


def test_a_cohort_that_lacks_what_rivals_read_is_told_so(tmp_path: Path) -> None:
    found = evaluated(made_up(16, tests=6), tmp_path).report
    assert set(found.rivals) == set(RIVALS)
    assert not any(rival.sets for rival in found.rivals.values())
    said = " ".join(not_measurable(found))
    for name in ("fold_agreement", "mean_foreground_probability", "probability_entropy"):
        assert name in said
    assert "not measurable" in "".join(rivals_section(found))


def test_a_rival_that_can_judge_no_study_of_a_set_is_not_beaten_there(tmp_path: Path) -> None:
    found = evaluated(with_given(made_up(16, tests=6), fold_agreement=slice(20, None)), tmp_path).report
    assert found.rivals["agreement"].sets["test"] is None
    assert found.rivals["forest"].sets["test"] is not None
    assert not_measurable(found) == [
        "agreement alone: not measurable in test, where no study has all of fold_agreement."
    ]


def test_studies_that_a_rival_cannot_judge_are_no_gain_of_the_scorers(tmp_path: Path) -> None:
    cohort = with_given(made_up(16, tests=6), fold_agreement=slice(20, 24))
    entry = rivals_of(cohort, tmp_path)["agreement"].sets["test"]
    assert entry is not None
    assert entry.figures.n == len(cohort.of_set("test")) - 4
    assert entry.figures.n_undefined == 0


def test_a_cohort_without_training_rows_still_has_its_rivals() -> None:
    cohort = with_given(made_up(16, tests=6))
    found = rival_entries(replace(cohort, sets=np.full(len(cohort), "ours")), {}, {}, 0)
    assert found["forest"].fitted_on == "all sets"
    assert found["forest"].sets["ours"] is not None


def test_a_cohort_too_small_for_a_rival_says_why() -> None:
    few = with_given(made_up(16, tests=6)).rows(np.arange(32) < 6)
    found = rival_entries(few, {}, {}, 0)
    assert "patients" in (found["agreement"].not_measurable or "")
