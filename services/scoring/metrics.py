"""What scoring tells the hospital's own Prometheus. Nothing here leaves the hospital."""

from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Histogram

from segwatch.contracts.studies import OpinionUse, StudyScored, verdict_of
from segwatch.serving.roles import Roles
from services.scoring.roles_metrics import RolesCollector

SECONDS_BUCKETS = (10, 30, 60, 120, 300, 600, 1800, 3600, 6 * 3600, 24 * 3600)
"""Five minutes are the goal that the alert rules hold the pipeline to."""
VERDICTS = ("good", "failed", "undefined", "outside")


class ScoringMetrics:
    """Studies by verdict, their predicted Dice, who scores, and what the site's reviews say."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._studies = Counter(
            "segwatch_scoring_studies_total",
            "Studies scored, by verdict.",
            ["verdict"],
            registry=registry,
        )
        for verdict in VERDICTS:
            self._studies.labels(verdict)
        self._dice = Histogram(
            "segwatch_scoring_predicted_dice",
            "Predicted Dice of the studies that have one.",
            buckets=[tenth / 10 for tenth in range(1, 11)],
            registry=registry,
        )
        self._seconds = Histogram(
            "segwatch_scoring_pipeline_seconds",
            "From a study's completion to its score, without the time that segmentation itself took.",
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )
        self._shadow = Counter(
            "segwatch_scoring_shadow_studies_total",
            "Studies scored by the shadow, by its verdict; refused are those that it cannot score.",
            ["verdict"],
            registry=registry,
        )
        self._opinions = Counter(
            "segwatch_scoring_second_opinions_total",
            "Studies of a scorer that reads a second opinion, by whether the one that it knows was there.",
            ["use"],
            registry=registry,
        )
        for use in get_args(OpinionUse):
            self._opinions.labels(use)
        self._roles = RolesCollector()
        registry.register(self._roles)

    def serve(self, roles: Roles) -> None:
        """Show who scores, and what the reviews say of the site."""
        self._roles.roles = roles

    def count(self, scored: StudyScored, seconds: float) -> None:
        """Count one study.

        Args:
            scored: the study.
            seconds: from its completion to its score, without segmentation's own.
        """
        self._seconds.observe(seconds)
        if scored.second_opinion is not None:
            self._opinions.labels(scored.second_opinion).inc()
        self._studies.labels(verdict_of(scored)).inc()
        if scored.predicted_dice is not None:
            self._dice.observe(scored.predicted_dice)
        if scored.shadow is not None:
            self._shadow.labels(verdict_of(scored.shadow)).inc()
