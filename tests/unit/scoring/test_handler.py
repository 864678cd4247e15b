"""The stage's handler on real events, through the message format."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from segwatch.contracts.envelope import Event, decode, encode
from segwatch.contracts.studies import StudyMeasured
from segwatch.contracts.topics import MEASURED, SCORED
from segwatch.features.registry import PAPER4
from segwatch.scoring.bundle import Scorer
from services.scoring.handler import Scoring
from services.scoring.metrics import ScoringMetrics

NOW = datetime(2026, 3, 2, 9, 31, tzinfo=UTC)
Measured = Callable[..., StudyMeasured]


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def scoring(scorer: Scorer, registry: CollectorRegistry) -> Scoring:
    return Scoring(scorer, ScoringMetrics(registry), now=lambda: NOW)


def event_of(data: StudyMeasured) -> Event[StudyMeasured]:
    event = Event(
        id="c" * 32, type=MEASURED, key=data.study, source="/features", time=NOW, data=data, correlation="way"
    )
    return decode(MEASURED, *encode(event))


def test_a_measured_event_becomes_one_scored_event_that_can_be_read_back(
    scoring: Scoring, measured: Measured
) -> None:
    (out,) = scoring.handle(event_of(measured()))
    read = decode(SCORED, *encode(out))
    assert (read.type, read.key, read.correlation) == (SCORED, "a" * 32, "way")
    assert read.data == out.data
    assert read.data.scorer == scoring.scorer.identity


def test_a_second_copy_gives_the_same_event_id_and_score(scoring: Scoring, measured: Measured) -> None:
    assert scoring.handle(event_of(measured())) == scoring.handle(event_of(measured()))


def test_another_threshold_makes_another_scorer_and_so_another_event_id(
    scoring: Scoring, measured: Measured, scorer: Scorer
) -> None:
    other = Scorer(scorer.model, scorer.manifest, scorer.identity.model_copy(update={"sha256": "0" * 64}))
    again = Scoring(other, ScoringMetrics(CollectorRegistry()), now=lambda: NOW)
    assert scoring.handle(event_of(measured()))[0].id != again.handle(event_of(measured()))[0].id


def test_each_verdict_is_counted_and_only_defined_studies_are_in_the_histogram(
    scoring: Scoring, measured: Measured, registry: CollectorRegistry
) -> None:
    bad = dict(zip(PAPER4, (26.0, -360.0, 0.38, 0.68), strict=True))
    for values in ({}, bad, {"segmentation_smoothness": None}, {"intensity_mode": 900.0}):
        scoring.handle(event_of(measured(values)))
    for verdict in ("good", "failed", "undefined", "outside"):
        labels = {"verdict": verdict}
        assert registry.get_sample_value("segwatch_scoring_studies_total", labels) == 1, verdict
    assert registry.get_sample_value("segwatch_scoring_predicted_dice_count") == 3


@pytest.mark.parametrize(
    ("waited", "segmentation", "late"),
    [(301, None, True), (299, None, False), (2000, 1800.0, False), (2000, 60.0, True), (-5, 3.0, False)],
)
def test_a_study_is_late_by_the_time_that_is_not_segmentations_own(
    scoring: Scoring,
    measured: Measured,
    registry: CollectorRegistry,
    waited: int,
    segmentation: float | None,
    late: bool,
) -> None:
    study = measured().model_copy(
        update={"received_at": NOW - timedelta(seconds=waited), "segmentation_seconds": segmentation}
    )

    scoring.handle(event_of(study))

    in_time = registry.get_sample_value("segwatch_scoring_pipeline_seconds_bucket", {"le": "300.0"})
    assert in_time == (0 if late else 1)
    assert (registry.get_sample_value("segwatch_scoring_pipeline_seconds_sum") or 0) >= 0
