"""Ingest's metrics: its own, and the ones that every stage has."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from prometheus_client import Counter, Gauge

from segwatch.streaming.telemetry import Telemetry
from services.ingest.handler import NAME
from services.ingest.inbox import Outcome

_MESSAGES: Mapping[Outcome, str] = {
    "announced": "done",
    "new_version": "done",
    "duplicate": "skipped",
    "set_aside": "skipped",
    "rejected": "dead_letter",
}
"""What each outcome is to the metrics that every stage has."""


class AnnouncedStudies:
    """Counts what becomes of the inbox's entries."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._outcomes = Counter(
            "segwatch_ingest_studies",
            "Entries of the inbox that are done with, by what became of them.",
            ["outcome"],
            registry=telemetry.registry,
        )
        for outcome in _MESSAGES:
            self._outcomes.labels(outcome)  # a share needs both of its counts from the start
        self._aside = Counter(
            "segwatch_ingest_set_aside_images",
            "Images set aside, by the rule that says so.",
            ["rule"],
            registry=telemetry.registry,
        )
        self._incomplete = Counter(
            "segwatch_ingest_incomplete_studies",
            "Studies announced though they may be a part only.",
            registry=telemetry.registry,
        )
        self._waiting = Gauge(
            "segwatch_ingest_waiting",
            "Entries that lie in the inbox, complete or not.",
            registry=telemetry.registry,
        )
        self._oldest = Gauge(
            "segwatch_ingest_oldest_seconds",
            "How long the entry that has been longest in the inbox was seen there by this process.",
            registry=telemetry.registry,
        )

    def waiting(self, entries: int, oldest_seconds: float) -> None:
        self._waiting.set(entries)
        self._oldest.set(oldest_seconds)

    def done(self, outcome: Outcome) -> None:
        self._outcomes.labels(outcome).inc()
        self._telemetry.messages.labels(NAME, _MESSAGES[outcome]).inc()
        if _MESSAGES[outcome] == "done":
            self._telemetry.last_success.labels(NAME).set_to_current_time()

    def set_aside(self, rule: str, images: int) -> None:
        """Images that are expected beside a CT, and are no study."""
        self._aside.labels(rule).inc(images)

    def incomplete(self) -> None:
        """A study was announced that may be a part only."""
        self._incomplete.inc()

    def rejected(self, kind: str) -> None:
        self._telemetry.dead_letters.labels(NAME, kind).inc()

    def retried(self, error: str) -> None:
        self._telemetry.retries.labels(NAME, error).inc()

    @contextmanager
    def timed(self) -> Iterator[None]:
        """While an entry is in hand."""
        started = time.monotonic()
        with self._telemetry.in_progress.labels(NAME).track_inprogress():
            yield
        self._telemetry.seconds.labels(NAME).observe(time.monotonic() - started)
