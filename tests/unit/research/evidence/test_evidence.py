"""The page of evidence: what stands in it, and the figures it is made of."""

import numpy as np
import pytest

from research.evidence import evidence, trials
from research.evidence.choice import choose
from research.evidence.evidence import write_evidence
from research.evidence.feature_worth import GROUPS
from research.evidence.figures import Estimate, measured, rank_correlation
from research.evidence.goals import Goal
from research.evidence.held_out_changes import ALL_CHANGES, away, held_out_changes, rows_by_change
from research.evidence.local_labels import CHOSEN, batches, local_labels
from research.evidence.other_segmenters import Carried, carried, pairs, simplest
from research.evidence.shipped_page import write_shipped
from research.evidence.tables import read_shipped_rows, read_tables
from research.evidence.trials import Outcome, Trial, left_out_dice
from segwatch.errors import RefusedCohort
from segwatch.features.registry import ALL
from segwatch.statistics.coverage import DiceIntervals
from segwatch.statistics.verdicts import Judged
from segwatch.training.feature_sets import feature_set
from segwatch.training.leave_patient_out import LeftOut, leave_patient_out
from segwatch.training.train import Choices

DRAW = np.random.default_rng(0)
DICE = DRAW.uniform(0, 1, 120)
PATIENTS_MADE = 7
PATIENTS = np.array([f"p{place % 10}" for place in range(120)])


@pytest.fixture
def tables(folder):
    return read_tables(folder)


def test_every_feature_is_in_one_group():
    members = [name for group in GROUPS.values() for name in group]
    assert sorted(members) == sorted(ALL)


def test_a_figure_lies_in_its_interval_and_the_interval_resamples_patients():
    predicted = np.clip(DICE + DRAW.normal(0, 0.1, 120), 0, 1)
    found = measured(Judged.by_dice(DICE, predicted), PATIENTS)
    for name in ("auroc", "sensitivity", "specificity", "mae", "spearman"):
        assert found[name].low <= found[name].value <= found[name].high
    one_patient = measured(Judged.by_dice(DICE, predicted), np.array(["p"] * 120))
    assert one_patient["mae"].low == one_patient["mae"].high == pytest.approx(one_patient["mae"].value)


def test_an_undefined_study_is_failed_and_has_no_error():
    predicted = DICE.copy()
    predicted[:3] = np.nan
    judged = Judged.by_dice(DICE, predicted)
    assert judged.flagged[:3].all()
    assert measured(judged, PATIENTS)["mae"].value == 0


def test_rank_correlation_is_spearmans():
    from scipy.stats import spearmanr

    other = DRAW.normal(size=120)
    assert rank_correlation(DICE, other) == pytest.approx(spearmanr(DICE, other).statistic)
    assert rank_correlation(DICE, np.ones(120)) is None


def test_a_goal_that_is_missed_by_less_than_is_shown_shows_it():
    assert Goal("AUROC", 0.95, True, Estimate(0.9496, 0.9, 0.98)).found == "0.9496 [0.90, 0.98]"
    assert Goal("AUROC", 0.95, True, Estimate(0.9504)).found == "0.950"


@pytest.mark.parametrize(
    ("figure", "at_least", "met", "word"),
    [
        (Estimate(0.96, 0.955, 0.99), True, True, "met"),
        (Estimate(0.96, 0.90, 0.99), True, True, "met, but the interval reaches beyond"),
        (Estimate(0.94, 0.90, 0.97), True, False, "**not met** (within the interval)"),
        (Estimate(0.94, 0.90, 0.945), True, False, "**not met**"),
        (Estimate(0.94), False, True, "met"),
        (Estimate(None), True, False, "**not met**"),
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
    assert found[CHOSEN].mae < 0.01


def test_where_the_scorer_ranks_nothing_the_choice_comes_near_the_constant():
    patients = np.array([f"p{place}" for place in range(14)])
    dice = np.linspace(0.6, 0.95, 14)
    blind = np.random.default_rng(5).uniform(0.2, 0.9, 14)
    found = {each.name: each for each in local_labels(blind, dice, patients)}
    assert found[CHOSEN].mae < found["none"].mae
    assert found["mean and scale"].mae < found["offset"].mae
    assert found["mean and scale"].mae == pytest.approx(found["constant"].mae, abs=0.03)


def test_a_scorer_that_says_the_truth_moves_with_it_and_one_that_is_blind_does_not():
    true = batches(DICE, DICE, PATIENTS)
    blind = batches(np.full(120, 0.5), DICE, PATIENTS)
    assert true.error == pytest.approx(0)
    assert true.moved == pytest.approx(0.2)
    assert blind.moved == pytest.approx(0, abs=1e-9)
    assert blind.error > 0.05


def left_out(cohort, error, learnt_mae, half=0.1, learnt_error=0.0):
    """Predictions that are off by `error` (n,), by scorers that erred by `learnt_mae` (n,) in training, which
    is known to `learnt_error`."""
    n = len(cohort)
    intervals = DiceIntervals(cohort.dice + error - half, cohort.dice + error + half, np.zeros(n, np.bool_))
    return LeftOut(
        Judged.by_dice(cohort.dice, cohort.dice + error),
        intervals,
        DiceIntervals.none(n),
        np.full(n, np.nan),
        learnt_mae,
        np.full(n, learnt_error),
    )


def test_a_scorer_is_chosen_by_the_other_patients_and_not_by_who_is_judged(tables):
    cohort = tables.cohort
    first = cohort.patients == "p0"
    one, other = Trial("rr", "paper4"), Trial("lr", "paper4")
    # `one` is right on p0, yet the others' rows speak for `other`.
    made = {
        one: Outcome(left_out(cohort, np.where(first, 0.0, 0.3), np.full(len(cohort), 0.3)), None),
        other: Outcome(left_out(cohort, np.where(first, 0.3, 0.0), np.where(first, 0.1, 0.4)), None),
    }
    choice = choose(list(made.items()), cohort)
    assert dict(choice.patients) == {one: PATIENTS_MADE - 1, other: 1}
    assert choice.usual is one
    np.testing.assert_allclose(choice.outcome.here.judged.predicted - cohort.dice, 0.3)
    assert choice.outcome.there is None


@pytest.mark.parametrize(("known_to", "taken"), [(0.02, "lr"), (0.007, "ordinal"), (0.001, "trees")])
def test_of_scorers_that_are_not_surely_worse_than_the_best_the_simplest_is_chosen(tables, known_to, taken):
    n = len(tables.cohort)
    made = [
        (Trial(model, "paper4"), Outcome(left_out(tables.cohort, 0.1, np.full(n, mae), 0.1, known_to), None))
        for model, mae in (("lr", 0.11), ("ordinal", 0.105), ("trees", 0.1))
    ]
    assert choose(made, tables.cohort).usual.model == taken


def test_across_segmenters_a_mask_is_judged_by_what_another_segmenter_taught(tables):
    others = list(pairs(tables))
    assert len(others) == len({(pair.one, pair.other) for pair in others}) == 4
    for pair in others:
        assert not set(pair.learnt.cases) & set(pair.judged.cases)
    found = carried(Trial("ordinal", "paper4"), others)
    assert found.everywhere["mae"].value < found.published.value + found.networks.value
    assert found.everywhere["mae"].low <= found.everywhere["mae"].value <= found.everywhere["mae"].high
    assert carried(Trial("lr", "paper4"), others).networks.value < 0.3, "classifiers are judged too"


@pytest.mark.parametrize(
    ("high", "taken"), [(0.2, "lr"), (0.12, "ordinal"), (0.104, "trees"), (None, "trees")]
)
def test_the_default_scorer_is_the_simplest_within_the_interval_of_the_best(high, taken):
    found = [
        Carried(
            Trial(model, "paper4"),
            {"mae": Estimate(mae, 0.09, high)},
            Estimate(mae),
            Estimate(mae),
        )
        for model, mae in (("lr", 0.15), ("ordinal", 0.11), ("trees", 0.1), ("boost", 0.13))
    ]
    best, enough = simplest(found)
    assert (best.trial.model, enough.trial.model) == ("trees", taken)


def test_each_kind_of_change_is_judged_by_scorers_that_met_neither_it_nor_the_patient(tables):
    cohort, asked = tables.cohort, []

    def judge(learnt, rows):
        assert not set(learnt.cases) & set(rows.cases)
        asked.append(len(rows))
        return left_out(rows, np.full(len(rows), 0.05 if len(asked) > 1 else 0.5), np.zeros(len(rows)))

    found = {each.name: each for each in held_out_changes(cohort, tables.made, judge)}
    assert list(found) == ["gamma", "noise", "none", "part", ALL_CHANGES]
    assert found["gamma"].plain.covered == 0
    assert found["part"].plain.covered == 1
    assert found[ALL_CHANGES].plain.n == sum(asked)
    assert found[ALL_CHANGES].plain.worst_patient < 1


def test_scorers_without_the_kind_and_the_patient_give_weighted_intervals_too(tables):
    changed = rows_by_change(tables.made)["noise"]
    rows = tables.cohort.rows(changed)
    there = leave_patient_out(
        tables.cohort.rows(~changed), "rr", "paper4", also=rows, choices=Choices(resamples=0)
    )[1]
    found = away("noise", there, rows)
    assert found.plain.n > 0
    assert found.effective < (~changed).sum()


def test_tables_that_are_not_of_the_same_rows_are_refused(folder, tmp_path):
    with pytest.raises(RefusedCohort, match="covid20"):
        read_tables(tmp_path)
    for path in folder.glob("*.parquet"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "covid20-made.parquet").unlink()
    with pytest.raises(RefusedCohort, match="made"):
        read_tables(tmp_path)


def test_the_page_has_every_section_and_a_second_start_tries_nothing_again(tables, tmp_path, monkeypatch):
    asked = (Trial("rr", "paper4"), Trial("rr", "wide-given", given=True))
    few = dict(list(GROUPS.items())[:2])
    monkeypatch.setattr("research.evidence.figures.RESAMPLES", 20)
    monkeypatch.setattr(evidence, "GROUPS", few)
    monkeypatch.setattr(evidence, "ALL", ALL[:4])
    monkeypatch.setattr("research.evidence.feature_worth.MODEL", "rr")
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
        "How often intervals hold",
        "each kind of change held out",
        "Chosen without the patient",
        "lung mask",
        "earned",
    ):
        assert title in page
    assert f"{sum(goal.met for goal in goals)} of {len(goals)} met" in page
    for picture in ("cohort", "scorers", "groups"):
        assert (out.parent / "images" / f"evidence-{picture}.png").stat().st_size > 1000
    monkeypatch.setattr("research.evidence.stored_outcomes.outcome", None)
    write_evidence(tables, out, tmp_path / "work", trials=asked)
    assert out.read_text() == page


def test_the_shipped_scorers_page_asks_truths_as_masks_under_both_lungs(folder, tmp_path):
    rows = read_shipped_rows(folder)
    out = tmp_path / "shipped.md"
    goals = write_shipped(rows, out, tmp_path / "work", trial=Trial("rr", "paper4", target=0.8))
    page = out.read_text()
    for title in ("small networks' masks", "published masks", "truths, as they are", "the expert's lung"):
        assert title in page
    assert [goal.what for goal in goals if goal.what.startswith("truth as mask")] == [
        "truth as mask, predicted Dice",
        "truth as mask, flagged",
    ]
    assert len([goal for goal in goals if goal.figure.value is None]) == 0
    assert f"| all masks | {len(rows) // 2} |" in page
