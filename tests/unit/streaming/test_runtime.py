"""A service's process: how it starts, what it says, how it ends."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from segwatch.errors import LogRefused, LostPlace
from segwatch.streaming.closing import bounded
from segwatch.streaming.json_logs import about, configure_logging
from segwatch.streaming.runtime import (
    EXIT_LOG_REFUSED,
    EXIT_LOST_PLACE,
    EXIT_SETTINGS,
    EXIT_UNEXPECTED,
    Runtime,
    main,
    start,
)
from segwatch.streaming.settings import ServiceSettings
from segwatch.streaming.watchdog import EXIT_WATCHDOG, Watchdog
from segwatch.streaming.worker import Worker
from tests.support.streaming import eventually, settings_for

STANDS_STILL = """
import sys, time
from segwatch.streaming.runtime import main
from segwatch.streaming.settings import ServiceSettings
sys.exit(main("still", ServiceSettings, lambda runtime: time.sleep(600)))
"""
LEAVES_WORK = """
import sys, time
from segwatch.streaming.runtime import main
from segwatch.streaming.settings import ServiceSettings
from segwatch.streaming.worker import Worker
sys.exit(main("busy", ServiceSettings, lambda runtime: Worker().begin(lambda: time.sleep(600)) and None))
"""


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    yield
    root.handlers[:], root.level = before
    logging.captureWarnings(capture=False)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    given = {"LOG": "embedded", "LOG_FILE": tmp_path / "log.db", "HTTP_HOST": "127.0.0.1", "HTTP_PORT": 0}
    for name, value in given.items():
        monkeypatch.setenv(f"SEGWATCH_{name}", str(value))
    return monkeypatch


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_service_that_returns_ends_well(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("SEGWATCH_SITE", "hospital-a")
    seen: list[Runtime[ServiceSettings]] = []
    assert main("scoring", ServiceSettings, seen.append) == 0
    assert seen[0].settings.site == "hospital-a"
    [first, last] = lines(capsys.readouterr().err)
    assert first["message"] == "started"
    assert first["service"] == "scoring"
    assert first["site"] == "hospital-a"
    assert first["port"] == seen[0].port
    assert last["message"] == "stopped"


def test_bad_settings_are_one_clear_line_and_a_code_of_their_own(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("SEGWATCH_LGO", "kafka")
    assert main("scoring", ServiceSettings, lambda runtime: None) == EXIT_SETTINGS
    [line] = lines(capsys.readouterr().err)
    assert line["level"] == "ERROR"
    assert "SEGWATCH_LGO" in line["message"]
    assert "SEGWATCH_LOG" in line["message"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LogRefused("no topic x"), EXIT_LOG_REFUSED),
        (LostPlace("fenced"), EXIT_LOST_PLACE),
        (ValueError("a bug"), EXIT_UNEXPECTED),
    ],
)
def test_every_way_to_end_has_its_code(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    environment.setenv("SEGWATCH_LOG_LEVEL", "ERROR")

    def fail(_runtime: Runtime[ServiceSettings]) -> None:
        raise error

    assert main("scoring", ServiceSettings, fail) == code
    [line] = lines(capsys.readouterr().err)
    assert str(error) in line["message"] + line.get("exc_info", "")


def test_a_log_that_is_not_up_at_start_is_waited_for(
    environment: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "not mounted yet"
    environment.setenv("SEGWATCH_LOG_FILE", str(folder / "log.db"))
    ran: list[Runtime[ServiceSettings]] = []
    with_time = threading.Timer(1.0, folder.mkdir)
    with_time.start()

    assert main("scoring", ServiceSettings, ran.append) == 0

    with_time.join()
    [runtime] = ran
    first, *_, started, stopped = (line["message"] for line in lines(capsys.readouterr().err))
    assert "not up yet" in first
    assert (started, stopped) == ("started", "stopped")
    assert runtime.telemetry.retries.labels("scoring", "LogUnavailable")._value.get() >= 1


def test_who_waits_for_the_log_ends_well_when_asked_to(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("SEGWATCH_LOG_FILE", str(tmp_path / "never" / "log.db"))
    asking = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM))
    asking.start()

    assert main("scoring", ServiceSettings, lambda runtime: pytest.fail("there is no log")) == 0

    asking.join()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with start("scoring", settings_for(tmp_path)) as runtime:
        assert not runtime.stop.is_set()
        os.kill(os.getpid(), number)
        assert runtime.stop.wait(10)
    assert signal.getsignal(number) is before


def _run(code: str, **settings: object) -> "subprocess.CompletedProcess[str]":
    environment = {f"SEGWATCH_{name.upper()}": str(value) for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_main_loop_that_stands_still_is_ended_and_says_where(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SEGWATCH_WATCHDOG_SECONDS", "0.5")
    ended = _run(STANDS_STILL)
    assert ended.returncode == EXIT_WATCHDOG
    last = lines(ended.stderr)[-1]
    assert last["level"] == "CRITICAL"
    assert "in <lambda>" in last["stood_at"]


def test_work_that_does_not_end_does_not_keep_the_process(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SEGWATCH_SITE", "x")
    ended = _run(LEAVES_WORK)
    assert ended.returncode == 0
    assert "segwatch-worker" in lines(ended.stderr)[-1]["message"]


def test_a_watchdog_that_is_fed_does_not_bite() -> None:
    now = [0.0]
    ends: list[int] = []
    dog = Watchdog(10, end=ends.append, clock=lambda: now[0])
    now[0] = 9.0
    assert not dog.hungry()
    dog.feed()
    now[0] = 18.0
    assert not dog.hungry()
    now[0] = 20.0
    assert dog.hungry()
    assert ends == []


def test_closing_is_given_up_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segwatch.streaming.closing.CLOSE_SECONDS", 0.05)
    never = threading.Event()
    assert not bounded(lambda: bool(never.wait(30)) and None, "something")
    never.set()
    assert bounded(lambda: None, "something")


def test_closing_that_fails_ends_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise OSError("broken pipe")

    assert bounded(fail, "the log")
    assert "the log did not close well: broken pipe" in caplog.text


def test_a_worker_does_one_job_after_the_other_and_survives_errors() -> None:
    before = set(threading.enumerate())
    worker = Worker()

    def fail() -> None:
        raise SystemExit(3)

    assert isinstance(worker.begin(fail).exception(10), SystemExit)
    assert worker.begin(lambda: 7).result(10) == 7
    worker.close()
    eventually(lambda: set(threading.enumerate()) <= before)


def test_lines_say_what_they_are_about_also_from_the_worker() -> None:
    stream = StringIO()
    configure_logging("scoring", "hospital-a", "INFO", stream)
    worker = Worker()
    with about(study="s1", offset=3), about(correlation="c1"):
        worker.begin(lambda: logging.getLogger("x").info("wörk")).result(10)
    logging.getLogger("x").info("after")
    worker.close()
    inside, after = lines(stream.getvalue())
    assert (inside["study"], inside["offset"], inside["correlation"]) == ("s1", 3, "c1")
    assert inside["message"] == "wörk"
    assert "study" not in after
    assert set(after) == {"time", "level", "service", "site", "logger", "message"}


def test_kafkas_own_lines_come_as_json_from_warning_on_and_are_not_repeated() -> None:
    stream = StringIO()
    configure_logging("scoring", "hospital-a", "DEBUG", stream)
    for _ in range(50):
        logging.getLogger("kafka.cluster").warning("no node")
        logging.getLogger("kafka.cluster").info("chatter")
    [line] = lines(stream.getvalue())
    assert line["logger"] == "kafka.cluster"
