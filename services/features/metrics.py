"""What the features service tells the hospital's own Prometheus. Nothing here leaves the hospital."""

from typing import get_args

from prometheus_client import CollectorRegistry, Counter

from segwatch.contracts.studies import MeasureStatus


class FeaturesMetrics:
    """Studies by what became of their measures."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._studies = Counter(
            "segwatch_features_studies_total",
            "Studies measured, by status: measured, empty mask, or partly undefined.",
            ["status"],
            registry=registry,
        )
        for status in get_args(MeasureStatus):
            self._studies.labels(status)

    def count(self, status: MeasureStatus) -> None:
        """Count one study."""
        self._studies.labels(status).inc()
