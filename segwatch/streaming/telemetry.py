"""Metrics and health of a service over HTTP: `/metrics`, `/livez`, `/readyz`.

Nothing is global: every service has its own registry, and tests take a fresh one.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, make_wsgi_app

from segwatch.errors import BadSettings
from segwatch.streaming.log import Consumer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SECONDS_BUCKETS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
"""From a scorer's milliseconds to a segmentation's many minutes."""
REFRESH_SECONDS = 15.0
"""As often as Prometheus usually asks; each look costs two requests to the log."""
STOP_SECONDS = 0.05
"""How late the server sees that it is closed."""
REQUEST_SECONDS = 10
"""A client that says nothing for so long is let go: a silent one must not hold a thread for ever."""


class Telemetry:
    """The metrics that every service has. A service makes its own with `registry=telemetry.registry`.

    Attributes:
        pages: JSON pages of the service's own, by their path; asked anew at each request.
    """

    def __init__(self, service: str, registry: CollectorRegistry | None = None) -> None:
        self.registry = CollectorRegistry() if registry is None else registry
        self.pages: dict[str, Callable[[], str]] = {}
        self.messages = Counter(
            "segwatch_stage_messages",
            "Records that are done with, by what became of them.",
            ["stage", "outcome"],
            registry=self.registry,
        )
        self.retries = Counter(
            "segwatch_stage_retries",
            "Attempts that failed and were followed by another.",
            ["stage", "error"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "segwatch_stage_seconds",
            "From a record's hand-out to its commit.",
            ["stage"],
            buckets=SECONDS_BUCKETS,
            registry=self.registry,
        )
        self.in_progress = Gauge(
            "segwatch_stage_in_progress", "Records in work.", ["stage"], registry=self.registry
        )
        self.dead_letters = Counter(
            "segwatch_dead_letters",
            "Records that can never be processed, by kind of error.",
            ["stage", "error"],
            registry=self.registry,
        )
        self.last_success = Gauge(
            "segwatch_stage_last_success_timestamp_seconds",
            "When a record was last done with, as a Unix time.",
            ["stage"],
            registry=self.registry,
        )
        self.lag = Gauge(
            "segwatch_stage_lag",
            "Records that this member holds and has not committed.",
            ["stage", "topic", "partition"],
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)  # its start time shows a service that starts again and again
        build = Gauge("segwatch_build_info", "Always 1.", ["service", "version"], registry=self.registry)
        build.labels(service, version("segwatch")).set(1)


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


class TelemetryServer:
    """Serves a registry and the answers to "alive?" and "ready?". A port of 0 takes a free one.

    Raises:
        BadSettings: the port cannot be had.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        pages: Mapping[str, Callable[[], str]],
        *,
        host: str,
        port: int,
        alive: Callable[[], bool],
        ready: Callable[[], bool],
    ) -> None:
        app = _router(make_wsgi_app(registry), pages, alive, ready)
        try:
            self._server = make_server(host, port, app, _Threaded, _Silent)
        except OSError as error:
            raise BadSettings(
                f"SEGWATCH_HTTP_HOST={host} SEGWATCH_HTTP_PORT={port} cannot be listened on:"
                f" {error.strerror or error}; take another port, or 0 for a free one"
            ) from None
        self.port: int = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            args=(STOP_SECONDS,),
            name="segwatch-http",
            daemon=True,
        )
        self._thread.start()

    def close(self) -> None:
        """Stop answering; closing twice does nothing."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is no news."""


class _Silent(WSGIRequestHandler):
    timeout = REQUEST_SECONDS

    def log_message(self, *arguments: object) -> None:
        """A probe every few seconds is not worth a line."""

    def address_string(self) -> str:
        return str(self.client_address[0])  # without asking the name service, which may hang


def _router(
    metrics: "WSGIApplication",
    pages: Mapping[str, Callable[[], str]],
    alive: Callable[[], bool],
    ready: Callable[[], bool],
) -> "WSGIApplication":
    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        if path == "/metrics":
            return metrics(environ, start_response)
        if path == "/livez":
            return _answer(start_response, "alive", yes=alive())
        if path == "/readyz":
            return _answer(start_response, "ready", yes=ready())
        if path in pages:
            return _text(start_response, HTTPStatus.OK, pages[path]() + "\n", "application/json")
        here = ", ".join(("/metrics", "/livez", "/readyz", *pages))
        return _text(start_response, HTTPStatus.NOT_FOUND, f"here are {here}\n")

    return app


def _answer(start_response: "StartResponse", what: str, *, yes: bool) -> Sequence[bytes]:
    if yes:
        return _text(start_response, HTTPStatus.OK, f"{what}\n")
    return _text(start_response, HTTPStatus.SERVICE_UNAVAILABLE, f"not {what}\n")


def _text(
    start_response: "StartResponse", status: HTTPStatus, text: str, kind: str = "text/plain; charset=utf-8"
) -> Sequence[bytes]:
    start_response(f"{status.value} {status.phrase}", [("Content-Type", kind)])
    return [text.encode()]
