"""Metrics and health over HTTP."""

import http.client
import socket
import threading
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from segwatch.errors import BadSettings
from segwatch.streaming.telemetry import Telemetry, TelemetryServer


class Service:
    """What a service says of itself."""

    def __init__(self) -> None:
        self.alive = threading.Event()
        self.ready = threading.Event()
        self.telemetry = Telemetry("scoring")
        self.server = TelemetryServer(
            self.telemetry.registry,
            self.telemetry.pages,
            host="127.0.0.1",
            port=0,
            alive=self.alive.is_set,
            ready=self.ready.is_set,
        )

    def get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.server.close()


def test_metrics_are_served_in_prometheus_text(service: Service) -> None:
    service.telemetry.messages.labels("scoring", "done").inc()
    status, text = service.get("/metrics")
    assert status == 200
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["segwatch_stage_messages"].samples[0].value == 1
    assert families["segwatch_build_info"].samples[0].labels["service"] == "scoring"
    assert all(family.documentation for family in families.values())


def test_health_follows_the_service(service: Service) -> None:
    assert service.get("/livez") == (503, "not alive\n")
    assert service.get("/readyz") == (503, "not ready\n")
    service.alive.set()
    service.ready.set()
    assert service.get("/livez") == (200, "alive\n")
    assert service.get("/readyz") == (200, "ready\n")


@pytest.mark.parametrize("path", ["/", "/metrics/", "/livez2", "/../etc/passwd"])
def test_anything_else_is_not_found(service: Service, path: str) -> None:
    assert service.get(path)[0] == 404


def test_a_silent_client_keeps_nobody_waiting(service: Service) -> None:
    service.alive.set()
    with socket.create_connection(("127.0.0.1", service.server.port)):
        assert service.get("/livez")[0] == 200


def test_a_port_that_is_taken_is_refused_by_number(service: Service) -> None:
    with pytest.raises(BadSettings, match=f"SEGWATCH_HTTP_PORT={service.server.port}"):
        TelemetryServer(
            CollectorRegistry(),
            {},
            host="127.0.0.1",
            port=service.server.port,
            alive=service.alive.is_set,
            ready=service.ready.is_set,
        )


def test_two_services_in_one_process_share_nothing() -> None:
    one, two = Telemetry("one"), Telemetry("two")
    one.dead_letters.labels("one", "bad").inc()
    labels = {"stage": "one", "error": "bad"}
    assert one.registry.get_sample_value("segwatch_dead_letters_total", labels) == 1
    assert two.registry.get_sample_value("segwatch_dead_letters_total", labels) is None


def test_a_page_of_the_services_own_is_asked_anew_each_time(service: Service) -> None:
    assert service.get("/quality")[0] == 404
    answers = iter(['{"state": "unknown"}', '{"state": "ok"}'])
    service.telemetry.pages["/quality"] = lambda: next(answers)

    assert service.get("/quality") == (200, '{"state": "unknown"}\n')
    assert service.get("/quality") == (200, '{"state": "ok"}\n')
    assert "/quality" in service.get("/elsewhere")[1]
