"""One study's score: undefined is never good, outside never looks confident."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segwatch.contracts.studies import StudyMeasured
from segwatch.errors import Unprocessable
from segwatch.features.registry import CATALOGUE, PAPER4
from segwatch.scoring.bundle import Scorer, load
from segwatch.scoring.score import score
from segwatch.scoring.training_results import FailureDensities

Measured = Callable[..., StudyMeasured]
GOOD = dict(zip(PAPER4, (8.0, -660.0, 0.75, 0.96), strict=True))
BAD = dict(zip(PAPER4, (26.0, -360.0, 0.38, 0.68), strict=True))
RANGES = dict(zip(PAPER4, ((0, 1e9), (-1e9, 1e9), (0, 1), (0, 1)), strict=True))
once = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def test_a_good_mask_is_scored_with_an_interval_around_its_dice(scorer: Scorer, measured: Measured) -> None:
    scored = score(measured(GOOD), scorer)
    assert (scored.status, scored.predicted_failed, scored.needs_attention) == ("scored", False, False)
    assert scored.reasons == ()
    assert scored.interval is not None
    assert scored.predicted_dice is not None
    assert scored.interval[0] < scored.predicted_dice < scored.interval[1]
    assert scored.bins is not None
    assert math.fsum(scored.bins) == pytest.approx(1)


def test_a_bad_mask_fails_and_says_what_pulls_it_down(scorer: Scorer, measured: Measured) -> None:
    scored = score(measured(BAD), scorer)
    assert scored.predicted_failed
    assert scored.needs_attention
    assert "threshold" in scored.reasons[0]
    assert any("segmentation smoothness of 0.38" in reason for reason in scored.reasons)


def test_the_strongest_driver_comes_first_and_its_effect_is_what_replacing_it_does(
    scorer: Scorer, measured: Measured
) -> None:
    scored = score(measured(BAD), scorer)
    effects = [abs(driver.effect) for driver in scored.drivers]
    assert effects == sorted(effects, reverse=True)
    first = scored.drivers[0]
    mean = next(f.mean for f in scorer.manifest.features if f.name == first.feature)
    without = score(measured({**BAD, first.feature: mean}), scorer)
    assert scored.predicted_dice is not None
    assert without.predicted_dice is not None
    assert first.effect == pytest.approx(scored.predicted_dice - without.predicted_dice, abs=1e-6)


@once
@given(gaps=st.sets(st.sampled_from(PAPER4), min_size=1))
def test_a_study_with_an_undefined_feature_never_gets_a_dice(
    gaps: set[str], scorer: Scorer, measured: Measured
) -> None:
    scored = score(measured(dict.fromkeys(gaps)), scorer)
    assert scored.status == "undefined"
    assert (scored.predicted_dice, scored.bins, scored.interval) == (None, None, None)
    assert scored.failure_probability is None
    assert scored.predicted_failed
    assert scored.needs_attention
    assert len(scored.reasons) == len(gaps)


def test_an_empty_mask_is_undefined_whatever_its_features_say(scorer: Scorer, measured: Measured) -> None:
    scored = score(measured(GOOD, status="empty"), scorer)
    assert scored.status == "undefined"
    assert scored.predicted_dice is None
    assert scored.reasons == ("the mask is empty",)


def test_a_gap_in_a_feature_that_the_scorer_does_not_read_changes_nothing(
    scorer: Scorer, measured: Measured
) -> None:
    gap = score(measured({**GOOD, "lesion_volume_ml": None}), scorer)
    assert gap.predicted_dice == score(measured(GOOD), scorer).predicted_dice


def test_a_study_unlike_the_cohort_is_outside_and_its_interval_says_nothing(
    scorer: Scorer, measured: Measured
) -> None:
    scored = score(measured({**GOOD, "intensity_mode": 900.0}), scorer)
    assert scored.status == "outside"
    assert scored.needs_attention
    assert scored.interval == (0.0, 1.0)
    assert any("intensity mode of 900 is" in reason for reason in scored.reasons)


@once
@given(values=st.fixed_dictionaries({name: st.floats(*RANGES[name]) for name in PAPER4}))
def test_any_finite_measures_give_a_whole_score(
    values: dict[str, float], scorer: Scorer, measured: Measured
) -> None:
    scored = score(measured(values), scorer)
    assert scored.status in ("scored", "outside")
    assert scored.needs_attention == (scored.predicted_failed or scored.status == "outside")


@pytest.mark.parametrize("otherwise", [{"profile": "authors-code"}, {"components": "l1"}])
def test_a_study_measured_otherwise_is_refused(
    otherwise: dict[str, str], scorer: Scorer, measured: Measured
) -> None:
    with pytest.raises(Unprocessable, match="measured with profile") as refused:
        score(measured(**otherwise), scorer)
    assert refused.value.kind == "other_measures"


def test_a_study_without_a_feature_of_the_scorer_is_refused_by_its_name(
    scorer: Scorer, measured: Measured
) -> None:
    whole = measured(GOOD)
    fewer = {name: value for name, value in whole.features.items() if name != "intensity_mode"}
    with pytest.raises(Unprocessable, match="without intensity_mode") as refused:
        score(whole.model_copy(update={"features": fewer}), scorer)
    assert refused.value.kind == "missing_feature"


def test_a_study_measured_with_another_version_of_a_feature_is_refused_by_its_name(
    scorer: Scorer, measured: Measured
) -> None:
    with pytest.raises(
        Unprocessable, match=r"version 2 of intensity_mode, the scorer .* version 1"
    ) as refused:
        score(measured(GOOD, feature_versions={"intensity_mode": 2}), scorer)
    assert refused.value.kind == "other_feature_version"


def test_another_version_of_a_feature_that_the_scorer_does_not_read_changes_nothing(
    scorer: Scorer, measured: Measured
) -> None:
    versions = {"intensity_mode": 1, "lesion_volume_ml": 7}
    assert score(measured(GOOD, feature_versions=versions), scorer) == score(measured(GOOD), scorer)


def test_a_mask_wholly_outside_the_lung_needs_attention_however_good_it_looks(
    bundle: Path, measured: Measured
) -> None:
    scorer = load(bundle)
    without = scorer.manifest.outside.model_copy(update={"bound": 1e9})
    never = scorer.manifest.threshold.model_copy(update={"failure_probability": 1.0})
    blind = scorer.manifest.model_copy(update={"outside": without, "threshold": never})
    scored = score(measured({**GOOD, "lesions_within_lungs": 0.0}), replace(scorer, manifest=blind))
    assert (scored.status, scored.predicted_failed, scored.needs_attention) == ("scored", False, True)
    assert scored.reasons == ("no lesion voxel lies in the lung",)


def test_a_reason_carries_the_words_of_the_features_card(scorer: Scorer, measured: Measured) -> None:
    reasons = " ".join(score(measured(BAD), scorer).reasons)
    assert "(high is good)" in reasons
    assert CATALOGUE["connected_components"].card.what.split(".")[0] in reasons


def test_the_interval_is_that_of_the_band_of_the_predicted_dice(scorer: Scorer, measured: Measured) -> None:
    interval = scorer.manifest.interval
    assert interval.bands
    scored = score(measured(GOOD), scorer)
    assert scored.predicted_dice is not None
    band = next(band for band in interval.bands if scored.predicted_dice < band.below)
    expected = (scored.predicted_dice + band.low, min(scored.predicted_dice + band.high, 1.0))
    assert scored.interval == pytest.approx(expected)


def test_a_failure_probability_says_how_much_likelier_it_is_among_failed_rows(
    scorer: Scorer, measured: Measured
) -> None:
    good, bad = score(measured(GOOD), scorer), score(measured(BAD), scorer)
    assert good.failure_ratio is not None
    assert bad.failure_ratio is not None
    assert good.failure_ratio < 1 < bad.failure_ratio


def test_an_undefined_study_one_outside_and_an_older_bundle_give_no_ratio(
    scorer: Scorer, measured: Measured
) -> None:
    older = replace(scorer, manifest=scorer.manifest.model_copy(update={"failure_densities": None}))
    assert score(measured(GOOD), older).failure_ratio is None
    assert score(measured({**GOOD, "intensity_mode": 900.0}), scorer).failure_ratio is None
    assert score(measured(GOOD).model_copy(update={"status": "empty"}), scorer).failure_ratio is None


def test_the_ratio_is_that_of_two_histograms_with_half_a_row_more_in_each_cell() -> None:
    densities = FailureDensities(edges=(0.3, 0.6), failed=(0, 4, 6), good=(9, 1, 0))

    assert densities.ratio(0.0) == pytest.approx((0.5 / 11.5) / (9.5 / 11.5))
    assert densities.ratio(0.3) == pytest.approx((4.5 / 11.5) / (1.5 / 11.5))
    assert densities.ratio(1.0) == pytest.approx((6.5 / 11.5) / (0.5 / 11.5))


@pytest.mark.parametrize("edges", [(0.6, 0.3), (0.3, 0.3), (0.3,)])
def test_edges_that_do_not_part_the_cells_are_refused(edges: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="edges"):
        FailureDensities(edges=edges, failed=(1, 2, 3), good=(3, 2, 1))
