"""How far a stage is behind, as a metric."""

import time

from segwatch.streaming.log import Consumer
from segwatch.streaming.telemetry import Telemetry

REFRESH_SECONDS = 15.0
"""As often as Prometheus usually asks; each look costs two requests to the log."""


class LagGauge:
    """Keeps `segwatch_stage_lag` up to date for the partitions that this member holds, and for no others."""

    def __init__(self, stage: str, consumer: Consumer, telemetry: Telemetry) -> None:
        self._stage = stage
        self._consumer = consumer
        self._gauge = telemetry.lag
        self._shown: set[tuple[str, int]] = set()
        self._next_at = time.monotonic()

    def refresh(self) -> None:
        """Look again where the last look is old. A log that is away leaves the figure as it was.

        Raises:
            LogUnavailable, LogRefused.
        """
        if time.monotonic() < self._next_at:
            return
        lags = self._consumer.lag()
        for topic, partition in self._shown - set(lags):
            self._gauge.remove(self._stage, topic, str(partition))
        for (topic, partition), records in lags.items():
            self._gauge.labels(self._stage, topic, str(partition)).set(records)
        self._shown = set(lags)
        if lags:
            self._next_at = time.monotonic() + REFRESH_SECONDS
