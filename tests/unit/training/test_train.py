"""Training: the paper's five models, reproducible, calibrated on patients that were held out."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwatch.cohorts.table import Cohort
from segwatch.errors import BadInput, RefusedCohort
from segwatch.scoring.bins import failed
from segwatch.scoring.bundle import load, save
from segwatch.scoring.predict import logit, predict
from segwatch.statistics.conformal import conformal_interval
from segwatch.statistics.figures import counts, figures
from segwatch.training import calibration as calibrate
from segwatch.training.judge import as_served, by_protocol, judge_all, out_of_fold
from segwatch.training.models import MODELS, fit, patient_folds, splits
from segwatch.training.report import model_card, report
from segwatch.training.train import train

MakeCohort = Callable[..., Cohort]


@pytest.mark.parametrize("model", MODELS)
def test_each_model_of_the_paper_is_trained_saved_loaded_and_predicts_the_same(
    model: str, make_cohort: MakeCohort, tmp_path: Path
) -> None:
    trained = train(make_cohort(), model, "paper4")
    save(tmp_path, trained.skops, trained.manifest, "card")
    scorer = load(tmp_path)
    values = trained.rows.values
    manifest = trained.manifest
    before = predict(trained.model, manifest.kind, manifest.calibration, values)
    after = predict(scorer.model, scorer.manifest.kind, scorer.manifest.calibration, values)
    np.testing.assert_array_equal(before.bins, after.bins)
    np.testing.assert_allclose(before.bins.sum(axis=1), 1.0)
    assert scorer.manifest == manifest


@pytest.mark.parametrize("model", MODELS)
def test_training_twice_gives_the_same_files(model: str, make_cohort: MakeCohort) -> None:
    first, second = (train(make_cohort(gaps=2), model, "paper4") for _ in range(2))
    assert first.skops == second.skops
    assert first.manifest == second.manifest


def test_the_models_are_the_papers() -> None:
    values, dice = np.random.default_rng(0).normal(size=(60, 4)), np.linspace(0.05, 0.95, 60)
    made = {name: fit(recipe, values, dice)["model"] for name, recipe in MODELS.items()}
    assert (made["lr"].C, made["lr"].class_weight) == (1.0, "balanced")
    assert (made["svm"].kernel, made["svm"].class_weight) == ("rbf", "balanced")
    assert made["rr"].alpha == 1.0
    assert made["svr"].kernel == "rbf"
    mlp = made["mlp"]
    assert (mlp.hidden_layer_sizes, mlp.activation, mlp.solver) == ((50, 100, 100, 50), "relu", "adam")
    assert (mlp.max_iter, mlp.loss) == (200, "squared_error")


def test_only_defined_rows_of_the_set_train_are_learnt_from(make_cohort: MakeCohort) -> None:
    cohort = make_cohort(gaps=3)
    described = train(cohort, "lr", "paper4").manifest.cohort
    assert (described.studies, described.left_out_undefined) == (45, 3)
    cohort.dice[cohort.sets == "test"] = 0.0
    assert train(cohort, "lr", "paper4").manifest.cohort == described


def test_no_patient_is_on_both_sides_of_a_fold(make_cohort: MakeCohort) -> None:
    cohort = make_cohort()
    held = np.zeros(len(cohort), dtype=int)
    for learn, held_out in splits(patient_folds(cohort, seed=0)):
        assert not set(cohort.patients[learn]) & set(cohort.patients[held_out])
        assert len(set(failed(cohort.dice[learn]))) == 2
        held += held_out
    assert (held == 1).all()


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=50).filter(
        lambda rows: len({outcome for _, outcome in rows}) == 2
    ),
    st.floats(0.05, 1),
)
def test_the_threshold_finds_at_least_the_wanted_share_and_a_higher_one_does_not(
    rows: list[tuple[float, bool]], target: float
) -> None:
    failure = np.array([probability for probability, _ in rows])
    outcome = np.array([flag for _, flag in rows])
    chosen = calibrate.choose_threshold(failure, outcome, target).failure_probability
    assert (failure >= chosen)[outcome].mean() >= target - 1e-9
    assert (failure > chosen)[outcome].mean() < target


def test_platts_sigmoid_follows_the_failures_and_stays_finite_where_they_separate() -> None:
    mass = np.concatenate([np.full(20, 0.1), np.full(20, 0.9)])
    fitted = calibrate.fit_sigmoid(logit(mass), mass > 0.5)
    assert 0 < fitted.slope < 10
    upside_down = calibrate.fit_sigmoid(logit(mass), mass < 0.5)
    assert upside_down.slope == 0


def test_the_interval_covers_new_studies_as_often_as_it_says() -> None:
    generator = np.random.default_rng(3)
    interval = conformal_interval(generator.normal(size=4000), coverage=0.8)
    new = generator.normal(size=4000)
    assert ((interval.low <= new) & (new <= interval.high)).mean() == pytest.approx(0.8, abs=0.03)


def test_few_residuals_give_the_widest_interval_they_can() -> None:
    interval = conformal_interval(np.array([-0.2, 0.0, 0.1]), coverage=0.95)
    assert (interval.low, interval.high) == (-0.2, 0.1)


def test_about_one_training_study_in_a_hundred_lies_beyond_the_bound(make_cohort: MakeCohort) -> None:
    cohort = make_cohort(patients=100, tests=0)
    region = calibrate.fit_region(cohort, patient_folds(cohort, 0))
    standardised = (cohort.values - cohort.values.mean(axis=0)) / cohort.values.std(axis=0)
    beyond = calibrate.distance(standardised, np.array(region.precision)) > region.bound
    assert beyond.mean() <= 0.02


def test_every_set_is_judged_and_undefined_studies_are_failed_in_each(make_cohort: MakeCohort) -> None:
    cohort = make_cohort(gaps=2)
    trained = train(cohort, "lr", "paper4")
    for way in (by_protocol, as_served):
        judged = way(trained.model, trained.manifest, cohort.of_set("test"))
        assert counts(judged)["n_undefined"] == 2
        assert judged.flagged[:2].all()
    sets = [name for name, _ in judge_all(trained, cohort)]
    assert sets[0] == "train (resubstitution)"
    assert "train (out of fold)" in sets
    assert "test" in sets


def test_a_scorer_beats_the_constants_where_features_follow_the_dice(make_cohort: MakeCohort) -> None:
    cohort = make_cohort()
    trained = train(cohort, "lr", "paper4")
    judged = judge_all(trained, cohort)
    served = figures(judged["test", "as served"][0])
    constant = figures(judged["test", "constant mean"][0])
    assert served["mae"] is not None
    assert constant["mae"] is not None
    assert served["mae"] < constant["mae"] / 2
    held_out = figures(out_of_fold(trained))
    assert held_out["sensitivity"] == trained.manifest.threshold.cross_validated_sensitivity


def test_the_card_tells_the_limits_and_each_set_with_its_interval(make_cohort: MakeCohort) -> None:
    cohort = make_cohort()
    trained = train(cohort, "rr", "paper4", limits=("For phantoms only.",))
    card = model_card(trained.manifest, report(judge_all(trained, cohort), resamples=20))
    assert "- For phantoms only." in card
    assert "| test | as served | 24 |" in card
    assert "| test | constant mean | 24 |" in card
    assert "no diagnosis" in card


@pytest.mark.parametrize(
    ("model", "features", "says"),
    [("forest", "paper4", "no model 'forest'; there are lr"), ("lr", "paper9", "no feature set 'paper9'")],
)
def test_an_unknown_model_or_feature_set_is_refused_with_those_there_are(
    model: str, features: str, says: str, make_cohort: MakeCohort
) -> None:
    with pytest.raises(BadInput, match=says):
        train(make_cohort(), model, features)


def test_a_feature_that_never_changes_is_refused(make_cohort: MakeCohort) -> None:
    cohort = make_cohort()
    cohort.values[:, 1] = -500.0
    with pytest.raises(RefusedCohort, match="intensity_mode is the same in every training row"):
        train(cohort, "lr", "paper4")
