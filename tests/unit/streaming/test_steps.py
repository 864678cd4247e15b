"""A service that folds a log steps on; a fault is waited out, and costs readiness until it is made good."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from segwatch.errors import BadInput, LogRefused, LogUnavailable
from segwatch.streaming.runtime import AskedToStop, Runtime, start
from segwatch.streaming.steps import POLL_SECONDS, await_topics, run_steps, successes
from tests.support.streaming import settings_for


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime[Any]]:
    with start("scoring", settings_for(tmp_path)) as running:
        running.stop.wait = lambda _seconds: False  # type: ignore[method-assign]  # no test waits
        yield running


class Scripted:
    """Each step is as the script says: raises an error, or has caught up or not; the last asks to stop."""

    def __init__(self, runtime: Runtime[Any], *script: Exception | bool) -> None:
        self.caught_up, self.closed = False, False
        self._runtime = runtime
        self._script = iter(script)

    def step(self, timeout_seconds: float) -> None:
        assert timeout_seconds == POLL_SECONDS
        found = next(self._script, None)
        if found is None:
            self._runtime.stop.set()
        elif isinstance(found, Exception):
            self.caught_up = False
            raise found
        else:
            self.caught_up = found

    def close(self) -> None:
        self.closed = True


def test_it_is_ready_while_it_has_caught_up_and_not_after_a_fault(runtime: Runtime[Any]) -> None:
    seen: list[bool] = []
    runtime.ready = seen.append  # type: ignore[method-assign]
    service = Scripted(runtime, False, True, LogUnavailable("away"), False, True)
    run_steps(service, runtime)
    assert seen == [False, True, False, False, True, True, False]
    assert service.closed


def test_faults_are_counted_by_what_they_are(runtime: Runtime[Any]) -> None:
    run_steps(Scripted(runtime, LogUnavailable("a"), LogRefused("b"), LogUnavailable("c")), runtime)
    value = runtime.telemetry.registry.get_sample_value
    name = "segwatch_stage_retries_total"
    assert value(name, {"stage": "scoring", "error": "LogUnavailable"}) == 2
    assert value(name, {"stage": "scoring", "error": "LogRefused"}) == 1


def test_what_is_no_fault_ends_it_and_the_connections_are_let_go(runtime: Runtime[Any]) -> None:
    service = Scripted(runtime, True, BadInput("the audit log is broken"))
    with pytest.raises(BadInput):
        run_steps(service, runtime)
    assert service.closed
    assert not runtime._ready.is_set()


def test_waits_grow_with_each_fault_and_begin_anew_with_a_success(runtime: Runtime[Any]) -> None:
    waited: list[float] = []
    runtime.stop.wait = lambda seconds: bool(waited.append(seconds))  # type: ignore[method-assign]
    tries = iter([LogUnavailable("1"), LogUnavailable("2"), "done", LogUnavailable("3"), "again"])

    def attempt() -> str:
        found = next(tries)
        if isinstance(found, Exception):
            raise found
        return found

    results = successes(attempt, runtime, lambda: map(float, count(1)))
    assert (next(results), waited) == ("done", [1.0, 2.0])
    assert (next(results), waited) == ("again", [1.0, 2.0, 1.0])


def test_asked_to_stop_nothing_more_is_tried(runtime: Runtime[Any]) -> None:
    results = successes(lambda: "done", runtime)
    assert next(results) == "done"
    runtime.stop.set()
    assert list(results) == []


def test_topics_that_come_later_are_waited_for_and_named(
    runtime: Runtime[Any], caplog: pytest.LogCaptureFixture
) -> None:
    waits = 0

    def made_meanwhile(_seconds: float) -> bool:
        nonlocal waits
        assert not runtime.is_ready()
        waits += 1
        if waits == 2:
            runtime.log.create_topics({"late.one": 1})
        return False

    runtime.stop.wait = made_meanwhile  # type: ignore[method-assign, assignment]
    await_topics(["late.one"], runtime)
    assert waits == 2
    assert "late.one" in caplog.text


def test_who_is_asked_to_stop_does_not_wait_for_topics(runtime: Runtime[Any]) -> None:
    runtime.stop.set()
    with pytest.raises(AskedToStop):
        await_topics(["never"], runtime)
