"""The stage's handler on real events, through the message format."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from segwatch.contracts.envelope import Event, decode, encode
from segwatch.contracts.scorer_decisions import ScorerDecision
from segwatch.contracts.studies import StudyMeasured
from segwatch.contracts.topics import MEASURED, SCORED, SCORER_DECISIONS
from segwatch.features.registry import PAPER4
from segwatch.scoring.bundle import Scorer
from segwatch.scoring.reviewed import FlagStratum, ReviewedShare, SiteReviews
from services.scoring.handler import Scoring
from services.scoring.metrics import ScoringMetrics
from tests.support.messages import MESSAGES

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


BAD = dict(zip(PAPER4, (26.0, -360.0, 0.38, 0.68), strict=True))


@pytest.fixture
def lenient(scorer: Scorer) -> Scorer:
    """One that flags nothing that has a score."""
    threshold = scorer.manifest.threshold.model_copy(update={"failure_probability": 1.0})
    manifest = scorer.manifest.model_copy(update={"name": "lenient", "threshold": threshold})
    return Scorer(scorer.model, manifest, scorer.identity.model_copy(update={"sha256": "7" * 64}))


def test_a_shadow_scores_beside_and_changes_nothing(
    scorer: Scorer, lenient: Scorer, registry: CollectorRegistry, measured: Measured
) -> None:
    both = Scoring(scorer, ScoringMetrics(registry), now=lambda: NOW, shadow=lenient)
    alone = Scoring(scorer, ScoringMetrics(CollectorRegistry()), now=lambda: NOW)
    (out,), (expected,) = both.handle(event_of(measured(BAD))), alone.handle(event_of(measured(BAD)))
    assert out.id == expected.id
    assert out.data.model_copy(update={"shadow": None}) == expected.data
    shadow = decode(SCORED, *encode(out)).data.shadow
    assert shadow.scorer == lenient.identity
    assert (out.data.predicted_failed, shadow.predicted_failed) == (True, False)
    assert shadow.predicted_dice == out.data.predicted_dice
    assert registry.get_sample_value("segwatch_scoring_shadow_studies_total", {"verdict": "good"}) == 1
    assert registry.get_sample_value("segwatch_scoring_studies_total", {"verdict": "failed"}) == 1


def test_a_shadow_that_cannot_score_a_study_says_why_and_stops_nobody(
    scorer: Scorer, lenient: Scorer, registry: CollectorRegistry, measured: Measured
) -> None:
    other = lenient.manifest.measured.model_copy(update={"components": "l1"})
    stranger = Scorer(
        lenient.model, lenient.manifest.model_copy(update={"measured": other}), lenient.identity
    )
    (out,) = Scoring(scorer, ScoringMetrics(registry), lambda: NOW, stranger).handle(event_of(measured()))
    assert out.data.status == "scored"
    assert out.data.shadow is not None
    assert out.data.shadow.status == "refused"
    assert out.data.shadow.needs_attention
    assert "trained on paper, l1" in (out.data.shadow.reason or "")
    assert registry.get_sample_value("segwatch_scoring_shadow_studies_total", {"verdict": "refused"}) == 1


def test_a_decision_between_two_studies_makes_the_shadow_count(
    scorer: Scorer, lenient: Scorer, registry: CollectorRegistry, measured: Measured
) -> None:
    made: list[ScorerDecision] = []
    scoring = Scoring(
        scorer, ScoringMetrics(registry), lambda: NOW, lenient, lambda: made[-1] if made else None
    )
    (first,) = scoring.handle(event_of(measured()))
    made.append(MESSAGES[SCORER_DECISIONS].model_copy(update={"counts": lenient.identity}))
    (second,) = scoring.handle(event_of(measured()))
    assert first.data.scorer == scorer.identity
    assert second.data.scorer == lenient.identity
    assert second.data.shadow is not None
    assert second.data.shadow.scorer == scorer.identity
    assert first.id != second.id
    labels = {"role": "counts", "scorer": lenient.identity.name, "sha256": lenient.identity.sha256}
    assert registry.get_sample_value("segwatch_scoring_scorer", labels) == 1


def test_the_rate_by_reviews_is_shown_with_its_interval_and_nothing_where_there_are_none(
    scorer: Scorer, registry: CollectorRegistry, measured: Measured
) -> None:
    Scoring(scorer, ScoringMetrics(registry), now=lambda: NOW).handle(event_of(measured()))
    rate = "segwatch_scoring_reviewed_failure_ratio"
    assert registry.get_sample_value("segwatch_scoring_reviewed_studies") == 0
    assert registry.get_sample_value(rate) is None
    side = FlagStratum(studies=50, reviewed=8, failed=2)
    site = SiteReviews(
        fleet_sha256="0" * 64,
        reviews_sha256="1" * 64,
        reviewed_on="2026-11-28",
        studies=16,
        patients=16,
        failed=4,
        with_dice=0,
        flagged=side,
        passed=side,
        failure_rate=ReviewedShare(value=0.25, low=0.1, high=0.5, found=4, n=16),
        sensitivity=None,
        specificity=None,
        threshold_is_from_here=False,
        fleet_threshold=scorer.manifest.threshold,
    )
    reviewed = Scorer(scorer.model, scorer.manifest.model_copy(update={"site": site}), scorer.identity)
    there = CollectorRegistry()
    Scoring(reviewed, ScoringMetrics(there), now=lambda: NOW).handle(event_of(measured()))
    assert there.get_sample_value("segwatch_scoring_reviewed_studies") == 16
    assert [there.get_sample_value(f"{rate}{end}") for end in ("", "_low", "_high")] == [0.25, 0.1, 0.5]
    day = there.get_sample_value("segwatch_scoring_reviewed_timestamp_seconds")
    assert day == datetime(2026, 11, 28, tzinfo=UTC).timestamp()
