"""Ingest's metrics: its own, and the ones that every stage has."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge

from segwatch.streaming.telemetry import Telemetry
from services.ingest.handler import NAME
from services.ingest.inbox import Outcome


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
        known = {"announced": "done", "duplicate": "skipped", "rejected": "dead_letter"}
        self._telemetry.messages.labels(NAME, known[outcome]).inc()
        if outcome == "announced":
            self._telemetry.last_success.labels(NAME).set_to_current_time()

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
