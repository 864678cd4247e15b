"""Drift of a portrait's means against the scorer's training cohort."""

import math
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from segwatch.contracts.release import NoisedMean
from segwatch.errors import BadInput
from segwatch.federation.drift import Usual, drift_of, usual_features
from services.federation.drift_metrics import DriftCollector
from services.federation.fleet import SiteReleases
from tests.support.releases import portrait

BUNDLE = Path(__file__).parents[3] / "deploy" / "models" / "demo-scorer" / "manifest.json"
MEAN = NoisedMean(feature="segmentation_smoothness", mean=0.5, low=0.0, high=1.0, noise_scale=0.02)
SEEN = portrait(0, (0, 2, 5, 30, 60, 2, 1)).model_copy(update={"means": (MEAN,)})
USUAL = {"segmentation_smoothness": Usual(0.8, 0.1)}


def test_it_is_counted_in_standard_errors_of_sampling_and_noise() -> None:
    expected = (0.5 - 0.8) / math.sqrt(0.1**2 / 100 + 2 * 0.02**2)

    assert drift_of(SEEN, USUAL) == {"segmentation_smoothness": pytest.approx(expected)}


def test_a_feature_that_the_scorer_does_not_know_has_no_drift() -> None:
    assert drift_of(SEEN, {}) == {}


def test_a_site_without_a_portrait_has_no_sample_and_another_has() -> None:
    registry = CollectorRegistry()
    sites = {"a": SiteReleases(portrait=SEEN), "b": SiteReleases()}
    registry.register(DriftCollector(lambda: sites, USUAL))

    def value(site: str) -> float | None:
        labels = {"site": site, "feature": "segmentation_smoothness"}
        return registry.get_sample_value("segwatch_federation_feature_drift", labels)

    assert value("a") == pytest.approx(-10.0, abs=0.1)
    assert value("b") is None


def test_the_usual_values_come_from_a_bundles_manifest() -> None:
    assert set(usual_features(BUNDLE)) >= {"segmentation_smoothness"}


def test_what_is_no_manifest_is_refused_by_its_name(tmp_path: Path) -> None:
    wrong = tmp_path / "manifest.json"
    wrong.write_text("{}")
    with pytest.raises(BadInput, match=r"TRAINING_MANIFEST=.*manifest\.json is no scorer's"):
        usual_features(wrong)
