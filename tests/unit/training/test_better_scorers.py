"""Scorers beyond the paper's: terms, isotonic calibration, cost, bands, leaving patients out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwatch.cohorts.table import Cohort, stacked
from segwatch.errors import BadInput, RefusedCohort
from segwatch.features.registry import PAPER4
from segwatch.scoring.bins import failed
from segwatch.scoring.bundle import load, save
from segwatch.scoring.predict import failure_of
from segwatch.statistics.conformal import (
    banded_interval,
    conformal_interval,
    covered,
    patient_interval,
    shift_weights,
)
from segwatch.statistics.figures import figures
from segwatch.training import calibration as calibrate
from segwatch.training.feature_sets import feature_set
from segwatch.training.judge import as_served
from segwatch.training.leave_patient_out import leave_patient_out
from segwatch.training.models import EVERY
from segwatch.training.train import Choices, train

MakeCohort = Callable[..., Cohort]
QUICK = Choices(resamples=0)


@pytest.mark.parametrize("model", sorted(set(EVERY) - {"lr", "svm", "rr", "svr", "mlp"}))
def test_each_better_model_is_trained_saved_loaded_and_serves_the_same(
    model: str, make_cohort: MakeCohort, tmp_path: Path
) -> None:
    cohort = make_cohort()
    trained = train(cohort, model, "paper4")
    save(tmp_path, trained.skops, trained.manifest, "card")
    scorer = load(tmp_path)
    before = as_served(trained.model, trained.manifest, cohort)
    after = as_served(scorer.model, scorer.manifest, cohort)
    np.testing.assert_allclose(before.predicted, after.predicted, atol=1e-12)
    auroc = figures(before.rows(cohort.sets == "test"))["auroc"]
    assert auroc is not None
    assert auroc > 0.9
    assert trained.manifest.figures["auroc"].low <= trained.manifest.figures["auroc"].value


def test_a_normalised_set_is_data_in_the_bundle_and_scores_raw_measures(
    make_cohort: MakeCohort, tmp_path: Path
) -> None:
    cohort = with_catalogue(make_cohort())
    trained = train(cohort, "ordinal", "normal4", choices=QUICK)
    save(tmp_path, trained.skops, trained.manifest, "card")
    scorer = load(tmp_path)
    assert [term.name for term in scorer.manifest.terms] == list(feature_set("normal4").columns)
    assert scorer.manifest.feature_names == feature_set("normal4").features
    made = as_served(scorer.model, scorer.manifest, cohort)
    assert np.isfinite(made.predicted).all()


def with_catalogue(cohort: Cohort) -> Cohort:
    """The cohort with more features, so that a normalised set can be made."""
    more = np.stack([5 + 20 * cohort.dice, cohort.dice**2, 3 + cohort.dice], axis=1)
    names = (*cohort.features, "lesion_volume_ml", "lesion_z_in_lung", "slice_distance_mm")
    values = np.concatenate([cohort.values, more], axis=1)
    return Cohort(cohort.cases, cohort.patients, cohort.sets, cohort.dice, names, values)


def test_features_are_a_name_or_names_with_commas() -> None:
    assert feature_set("paper4").features == PAPER4
    assert feature_set("paper4").directions == (-1, 0, 1, 1)
    assert feature_set("lesion_volume_ml,tiny_components").columns == ("lesion_volume_ml", "tiny_components")
    for text, says in (("a,b", "no feature is called 'a'"), ("tiny_components,tiny_components", "twice")):
        with pytest.raises(BadInput, match=says):
            feature_set(text)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 5), st.booleans()), min_size=2, max_size=60))
def test_isotonic_calibration_never_falls_and_is_never_certain(rows: list[tuple[float, bool]]) -> None:
    danger, outcome = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    fitted = calibrate.fit_isotonic(danger, outcome)
    along = failure_of(np.linspace(-6, 6, 200), fitted)
    assert (np.diff(along) >= 0).all()
    assert 0 < along[0] <= along[-1] < 1


@pytest.mark.parametrize("model", ["svm", "lr", "svr"])
def test_any_model_can_be_calibrated_by_isotonic_regression(model: str, make_cohort: MakeCohort) -> None:
    trained = train(make_cohort(), model, "paper4", choices=replace(QUICK, calibration="isotonic"))
    assert trained.manifest.calibration.method == "isotonic"
    outcome = failed(trained.rows.dice)
    mean = trained.out_of_fold.failure.mean()
    assert mean == pytest.approx(outcome.mean(), abs=0.1)
    np.testing.assert_allclose(trained.out_of_fold.bins.sum(axis=1), 1.0)


def test_a_classifier_has_no_residuals_to_calibrate_by(make_cohort: MakeCohort) -> None:
    with pytest.raises(RefusedCohort, match="calibrate by platt or isotonic"):
        train(make_cohort(), "svm", "paper4", choices=replace(QUICK, calibration="residuals"))


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=40).filter(
        lambda rows: len({outcome for _, outcome in rows}) == 2
    ),
    st.floats(0.1, 20),
)
def test_no_threshold_is_cheaper_than_the_cheapest(rows: list[tuple[float, bool]], cost: float) -> None:
    failure, outcome = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])

    def price(threshold: float) -> float:
        flagged = failure >= threshold
        return float((flagged & ~outcome).sum() + cost * (~flagged & outcome).sum())

    chosen = calibrate.cheapest_threshold(failure, outcome, cost).failure_probability
    assert price(chosen) <= min(price(threshold) for threshold in failure) + 1e-9


def test_bands_cover_where_errors_are_small_and_where_they_are_large() -> None:
    generator = np.random.default_rng(6)
    predicted = generator.uniform(0.2, 0.8, 4000)
    residuals = generator.normal(size=4000) * 0.2 * (1 - predicted)
    patients = np.array([f"p{row % 40}" for row in range(4000)])
    interval = banded_interval(predicted, residuals, patients)
    hits = covered(interval, predicted, residuals)
    for part in (predicted < 0.35, predicted > 0.65):
        assert hits[part].mean() == pytest.approx(0.8, abs=0.05)
    widths = [band.high - band.low for band in interval.bands]
    assert widths == sorted(widths, reverse=True)
    assert interval.patients_worst is not None
    assert 0.6 < interval.patients_worst < 0.85


def test_weights_give_the_interval_of_a_shifted_site() -> None:
    generator = np.random.default_rng(8)
    cohort = generator.uniform(0, 1, (3000, 1))
    residuals = generator.normal(size=3000) * (0.05 + 0.3 * cohort[:, 0])
    site = generator.uniform(0.6, 1, (500, 1))
    new = generator.normal(size=500) * (0.05 + 0.3 * site[:, 0])
    plain = conformal_interval(residuals)
    patients = np.arange(3000).astype(str)
    shifted = patient_interval(residuals, shift_weights(cohort, site), patients, 0.8)
    share = [((part.low <= new) & (new <= part.high)).mean() for part in (plain, shifted)]
    assert share[0] < 0.72
    assert share[1] == pytest.approx(0.8, abs=0.05)


def test_no_scorer_that_judges_a_patient_has_seen_them(make_cohort: MakeCohort) -> None:
    cohort = make_cohort(patients=10, tests=0)
    told = cohort.dice.copy()
    first = cohort.patients == "patient-0"
    told[first] = 1 - told[first]
    lied = Cohort(cohort.cases, cohort.patients, cohort.sets, told, cohort.features, cohort.values)
    honest, _ = leave_patient_out(cohort, "ordinal", "paper4", choices=QUICK)
    other, _ = leave_patient_out(lied, "ordinal", "paper4", choices=QUICK)
    np.testing.assert_array_equal(honest.judged.predicted[first], other.judged.predicted[first])
    np.testing.assert_array_equal(honest.judged.flagged[first], other.judged.flagged[first])
    assert not np.array_equal(honest.judged.predicted[~first], other.judged.predicted[~first])


def test_other_masks_of_a_patient_are_scored_without_that_patient(make_cohort: MakeCohort) -> None:
    cohort = make_cohort(patients=10, tests=0)
    also = cohort.rows(np.arange(len(cohort)) % 2 == 0)
    here, there = leave_patient_out(cohort, "ordinal", "paper4", also=also, choices=QUICK)
    assert there is not None
    np.testing.assert_allclose(there.judged.predicted, here.judged.predicted[::2], atol=1e-9)
    inside = ~here.intervals.outside
    assert (here.intervals.low[inside] <= here.judged.predicted[inside]).all()
    assert (here.intervals.high[here.intervals.outside] == 1).all()


def test_a_bundle_of_another_feature_version_is_refused_on_a_table(make_cohort: MakeCohort) -> None:
    cohort = make_cohort()
    trained = train(cohort, "lr", "paper4", choices=QUICK)
    features = (
        trained.manifest.features[0].model_copy(update={"version": 2}),
        *trained.manifest.features[1:],
    )
    with pytest.raises(
        RefusedCohort, match="version 2 of connected_components, version 1 is what is measured"
    ):
        as_served(trained.model, trained.manifest.model_copy(update={"features": features}), cohort)


def test_a_cohort_measured_twice_keeps_a_patients_rows_together(make_cohort: MakeCohort) -> None:
    cohort = make_cohort(patients=10, tests=0)
    both = stacked({"own": cohort, "expert": cohort.select(cohort.features[::-1])})
    assert len(set(both.cases.tolist())) == len(both) == 2 * len(cohort)
    np.testing.assert_array_equal(both.values[: len(cohort)], both.values[len(cohort) :])
    assert set(both.patients.tolist()) == set(cohort.patients.tolist())
    with pytest.raises(RefusedCohort, match="differ in the columns intensity_mode"):
        stacked({"own": cohort, "fewer": cohort.select(("connected_components", *cohort.features[2:]))})
