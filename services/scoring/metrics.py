"""What scoring tells the hospital's own Prometheus. Nothing here leaves the hospital."""

from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Histogram

from segwatch.contracts.studies import OpinionUse, StudyScored

VERDICTS = ("good", "failed", "undefined", "outside")


class ScoringMetrics:
    """Studies by verdict, and the predicted Dice of those that have one."""

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

        self._opinions = Counter(
            "segwatch_scoring_second_opinions_total",
            "Studies of a scorer that reads a second opinion, by whether the one that it knows was there.",
            ["use"],
            registry=registry,
        )
        for use in get_args(OpinionUse):
            self._opinions.labels(use)

    def count(self, scored: StudyScored) -> None:
        """Count one study."""
        if scored.second_opinion is not None:
            self._opinions.labels(scored.second_opinion).inc()
        self._studies.labels(verdict_of(scored)).inc()
        if scored.predicted_dice is not None:
            self._dice.observe(scored.predicted_dice)


def verdict_of(scored: StudyScored) -> str:
    """One word for a score: undefined and outside go before failed, failed before good."""
    if scored.status != "scored":
        return scored.status
    return "failed" if scored.predicted_failed else "good"
