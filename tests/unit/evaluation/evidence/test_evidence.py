"""The page of evidence: what stands in it, and the figures it is made of."""

import numpy as np
import pytest

from services.evaluation.cohort import RefusedCohort
from services.evaluation.evidence import evidence, trials
from services.evaluation.evidence.evidence import write_evidence
from services.evaluation.evidence.figures import Figure, measured, rank_correlation
from services.evaluation.evidence.goals import Goal
from services.evaluation.evidence.groups import GROUPS
from services.evaluation.evidence.shifts import batches, coverage, local_labels
from services.evaluation.evidence.tables import read_tables
from services.evaluation.evidence.trials import Trial, left_out_dice, verdicts
from services.evaluation.feature_sets import feature_set
from services.evaluation.leave_out import LeftOut
from services.features.registry import ALL

DRAW = np.random.default_rng(0)
DICE = DRAW.uniform(0, 1, 120)
PATIENTS = np.array([f"p{place % 10}" for place in range(120)])


@pytest.fixture
def tables(folder):
    return read_tables(folder)


def test_every_feature_is_in_one_group():
    members = [name for group in GROUPS.values() for name in group]
    assert sorted(members) == sorted(ALL)


def test_a_figure_lies_in_its_interval_and_the_interval_resamples_patients():
    predicted = np.clip(DICE + DRAW.normal(0, 0.1, 120), 0, 1)
    found = measured(verdicts(DICE, predicted), PATIENTS)
    for name in ("auroc", "sensitivity", "specificity", "mae", "spearman"):
        assert found[name].low <= found[name].value <= found[name].high
    one_patient = measured(verdicts(DICE, predicted), np.array(["p"] * 120))
    assert one_patient["mae"].low == one_patient["mae"].high == pytest.approx(one_patient["mae"].value)


def test_an_undefined_study_is_failed_and_has_no_error():
    predicted = DICE.copy()
    predicted[:3] = np.nan
    judged = verdicts(DICE, predicted)
    assert judged.flagged[:3].all()
    assert measured(judged, PATIENTS)["mae"].value == 0


def test_rank_correlation_is_spearmans():
    from scipy.stats import spearmanr

    other = DRAW.normal(size=120)
    assert rank_correlation(DICE, other) == pytest.approx(spearmanr(DICE, other).statistic)
    assert rank_correlation(DICE, np.ones(120)) is None


@pytest.mark.parametrize(
    ("figure", "at_least", "met", "word"),
    [
        (Figure(0.96, 0.955, 0.99), True, True, "met"),
        (Figure(0.96, 0.90, 0.99), True, True, "met, but the interval reaches beyond"),
        (Figure(0.94, 0.90, 0.97), True, False, "**not met** (within the interval)"),
        (Figure(0.94, 0.90, 0.945), True, False, "**not met**"),
        (Figure(0.94), False, True, "met"),
        (Figure(None), True, False, "**not met**"),
    ],
)
def test_a_goal_says_whether_it_is_met(figure, at_least, met, word):
    goal = Goal("AUROC", 0.95, at_least, figure)
    assert (goal.met, goal.verdict) == (met, word)


def test_nobody_is_predicted_by_a_model_that_saw_them(tables, monkeypatch):
    cohort = tables.cohort
    fitted = []

    class Mean:
        def __init__(self, values):
            fitted.append(values)

        def predict(self, values):
            assert not (values[:, None] == fitted[-1][None]).all(axis=2).any()
            return np.full(len(values), 0.5)

    monkeypatch.setattr(trials, "fit", lambda _recipe, values, _dice, **_: Mean(values))
    assert (left_out_dice(cohort, cohort, "rr", feature_set("paper4")) == 0.5).all()
    assert len(fitted) == trials.FOLDS


def test_local_labels_take_an_offset_away():
    patients = np.array([f"p{place}" for place in range(14)])
    dice = np.linspace(0.6, 0.95, 14)
    found = {each.name: each for each in local_labels(dice - 0.3, dice, patients)}
    assert found["none"].mae == pytest.approx(0.3)
    assert found["offset"].mae < 0.01
    assert found["offset"].spearman == pytest.approx(1)
    assert found["constant"].mae > found["offset"].mae


def test_a_scorer_that_says_the_truth_moves_with_it_and_one_that_is_blind_does_not():
    true = batches(DICE, DICE, PATIENTS)
    blind = batches(np.full(120, 0.5), DICE, PATIENTS)
    assert true.error == pytest.approx(0)
    assert true.moved == pytest.approx(0.2)
    assert blind.moved == pytest.approx(0, abs=1e-9)
    assert blind.error > 0.05


def test_coverage_counts_patients_apart_and_leaves_those_outside_out(tables):
    cohort = tables.cohort
    n = len(cohort)
    low, high = cohort.dice - 0.1, cohort.dice + 0.1
    mine = cohort.patients == "p3"
    low[mine], high[mine] = 0.98, 1.0
    outside = np.zeros(n, np.bool_)
    outside[np.flatnonzero(~mine)[:5]] = True
    found = coverage(LeftOut(verdicts(cohort.dice, cohort.dice), low, high, outside), cohort)
    assert found.worst_patient == 0
    assert found.covered == pytest.approx(1 - mine.sum() / (n - 5))
    assert found.outside == pytest.approx(5 / n)


def test_tables_that_are_not_of_the_same_rows_are_refused(folder, tmp_path):
    with pytest.raises(RefusedCohort, match="covid20"):
        read_tables(tmp_path)
    for path in folder.glob("*.parquet"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "covid20-made.parquet").unlink()
    with pytest.raises(RefusedCohort, match="made"):
        read_tables(tmp_path)


def test_the_page_has_every_section_and_a_second_start_tries_nothing_again(tables, tmp_path, monkeypatch):
    asked = (Trial("rr", "paper4"), Trial("rr", "all", given=True))
    few = dict(list(GROUPS.items())[:2])
    monkeypatch.setattr("services.evaluation.evidence.figures.RESAMPLES", 20)
    monkeypatch.setattr(evidence, "GROUPS", few)
    monkeypatch.setattr(evidence, "ALL", ALL[:4])
    monkeypatch.setattr("services.evaluation.evidence.groups.MODEL", "rr")
    monkeypatch.setattr(evidence, "MODEL", "rr")
    out = tmp_path / "docs" / "evidence.md"
    out.parent.mkdir()
    goals = write_evidence(tables, out, tmp_path / "work", trials=asked)
    page = out.read_text()
    for title in (
        "asked for",
        "The cohort",
        "Scorers",
        "Another segmenter",
        "a site sees",
        "lung mask",
        "earned",
    ):
        assert title in page
    assert f"{sum(goal.met for goal in goals)} of {len(goals)} met" in page
    for picture in ("cohort", "scorers", "groups"):
        assert (out.parent / "images" / f"evidence-{picture}.png").stat().st_size > 1000
    monkeypatch.setattr("services.evaluation.evidence.kept.outcome", None)
    write_evidence(tables, out, tmp_path / "work", trials=asked)
    assert out.read_text() == page
