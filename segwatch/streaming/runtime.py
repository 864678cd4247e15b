"""What a service's process is: settings, log, telemetry, signals, a watchdog, and an end that does not hang.

Every `__main__.py` is `sys.exit(main(NAME, SETTINGS, run))`.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Generic, TypeVar

from segwatch.compiled_code import lay_out
from segwatch.errors import BadInput, BadSettings, LogRefused, LogUnavailable, LostPlace
from segwatch.streaming.attempts import RETRY_SECONDS
from segwatch.streaming.closing import bounded
from segwatch.streaming.connect import open_log
from segwatch.streaming.ground import GroundCollector
from segwatch.streaming.json_logs import configure_logging
from segwatch.streaming.log import Log
from segwatch.streaming.settings import ConnectionSettings, ServiceSettings, load_settings
from segwatch.streaming.telemetry import Telemetry, TelemetryServer
from segwatch.streaming.watchdog import Watchdog
from segwatch.streaming.worker import WORKER_NAME, Worker

EXIT_UNEXPECTED = 1
EXIT_SETTINGS = 2
EXIT_LOG_REFUSED = 4
EXIT_LOST_PLACE = 5

LONGEST_LOAD_SECONDS = 1800.0
"""Weights over a slow network file system, on a machine where everything starts at once, take minutes."""
SIGN_OF_LIFE_SECONDS = 0.5
_log = logging.getLogger(__name__)
Result = TypeVar("Result")
SettingsT = TypeVar("SettingsT", bound=ServiceSettings)
Doors = Callable[[SettingsT], AbstractContextManager[Callable[[], bool]]]
"""Opens the ways by which work comes in from outside; what it gives says whether they can take more."""


class AskedToStop(Exception):
    """We were asked to stop before the work began."""


@dataclass
class Runtime(Generic[SettingsT]):
    """What a running service stands on.

    Attributes:
        stop: set by SIGTERM and SIGINT: finish or hand back what is in hand, and return.
        port: where `/metrics`, `/livez` and `/readyz` are served.
    """

    name: str
    settings: SettingsT
    log: Log
    telemetry: Telemetry
    stop: threading.Event
    port: int
    _watchdog: Watchdog
    _ready: threading.Event

    def alive(self) -> None:
        """The main loop moves: call it on every round, and around calls that may take long."""
        self._watchdog.feed()

    def load(self, job: Callable[[], Result]) -> Result:
        """Do what takes long before the work begins (importing torch, loading weights), with signs of life
        meanwhile; after LONGEST_LOAD_SECONDS no more, so that the watchdog ends what hangs.

        Raises:
            AskedToStop: leave it, nothing is in hand.
        """
        worker, until = Worker(), time.monotonic() + LONGEST_LOAD_SECONDS
        future = worker.begin(job)
        while not wait([future], SIGN_OF_LIFE_SECONDS).done:
            if self.stop.is_set():
                raise AskedToStop
            if time.monotonic() < until:
                self.alive()
        worker.close()
        self.alive()
        return future.result()

    def ready(self, yes: bool) -> None:
        """Whether the service can do its work now: shown at `/readyz`."""
        if yes:
            self._ready.set()
        else:
            self._ready.clear()

    def is_ready(self) -> bool:
        """What `/readyz` says."""
        return self._ready.is_set()

    def fault(self, error: str, reason: str) -> None:
        """Something that we need is away: not ready, until the service says otherwise."""
        self.ready(False)
        self.retried(error, reason)

    def retried(self, error: str, reason: str) -> None:
        """Something failed and will be tried again; the service is as ready as it was."""
        self.telemetry.retries.labels(self.name, error).inc()
        _log.warning("waiting, then trying again: %s: %s", error, reason)


@dataclass
class _Health:
    watchdog: Watchdog
    ready: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)
    doors: Callable[[], bool] | None = None


@contextmanager
def start(
    name: str, settings: SettingsT, doors: Doors[SettingsT] | None = None
) -> Iterator[Runtime[SettingsT]]:
    """A runtime for the service `name`, closed again within bounded time; `doors` as for `main`.

    Raises:
        AskedToStop: while the log was waited for, which is done as long as it takes.
        LogRefused: it is up, and does not let us in.
        BadSettings: the port cannot be had, or a file that the settings name is wrong.
    """
    health = _Health(Watchdog(settings.watchdog_seconds))
    telemetry = Telemetry(name)
    telemetry.ready.set_function(lambda: float(health.ready.is_set()))
    telemetry.registry.register(GroundCollector(settings.disks(), settings.certificates()))
    server = TelemetryServer(
        telemetry.registry,
        telemetry.pages,
        host=settings.http_host,
        port=settings.http_port,
        alive=lambda: not health.watchdog.hungry(),
        ready=lambda: health.doors() if health.doors else health.ready.is_set(),
    )
    with _signals(health.stop), ExitStack() as opened:
        health.watchdog.start()
        try:
            if doors is not None:
                health.doors = opened.enter_context(doors(settings))
            log = _come_up(name, settings, health, telemetry)
            try:
                yield Runtime(
                    name, settings, log, telemetry, health.stop, server.port, health.watchdog, health.ready
                )
            finally:
                health.ready.clear()
                bounded(log.close, "the log")
        finally:
            health.watchdog.close()
            server.close()


def main(
    name: str,
    settings_type: type[SettingsT],
    run: Callable[[Runtime[SettingsT]], None],
    doors: Doors[SettingsT] | None = None,
) -> int:
    """Run a service until it is asked to stop, and say how it ended as an exit code.

    It waits for the log as long as it takes. With `doors` the service takes work from outside, which waits
    on its own disk: they are open before the log is up, and it is ready while they can take more.

    A process with threads of the service that do not come to an end is left by `os._exit`.
    """
    before = set(threading.enumerate())
    configure_logging(name, ConnectionSettings.model_fields["site"].default, "INFO")
    code = _run(name, settings_type, run, doors)
    left = [thread.name for thread in set(threading.enumerate()) - before if _keeps_us(thread)]
    if left:
        _log.warning("left without waiting for: %s", ", ".join(left))
        sys.stdout.flush()
        os._exit(code)
    return code


def _run(
    name: str,
    settings_type: type[SettingsT],
    run: Callable[[Runtime[SettingsT]], None],
    doors: Doors[SettingsT] | None,
) -> int:
    code = EXIT_UNEXPECTED
    try:
        settings = load_settings(settings_type)
        configure_logging(name, settings.site, settings.log_level)
        lay_out()
        with suppress(AskedToStop), start(name, settings, doors) as runtime:
            _log.info("started", extra={"port": runtime.port})
            run(runtime)
        _log.info("stopped")
    except (BadInput, BadSettings) as error:  # a bad file, too, was named by a setting
        _log.error("cannot start: %s", error)
        code = EXIT_SETTINGS
    except LogRefused as error:
        _log.error("the log refuses: %s", error)
        code = EXIT_LOG_REFUSED
    except LostPlace as error:
        _log.error("another process has this one's place: %s", error)
        code = EXIT_LOST_PLACE
    except Exception:  # noqa: BLE001 - it is logged with its trace, and the exit code says it
        _log.exception("ended by an error that nobody expected")
    else:
        code = 0
    return code


def _come_up(name: str, settings: ServiceSettings, health: _Health, telemetry: Telemetry) -> Log:
    """Not ready meanwhile, and counted: a process that ended would be started again for nothing."""
    while not health.stop.is_set():
        health.watchdog.feed()
        try:
            return open_log(settings)
        except LogUnavailable as error:
            telemetry.retries.labels(name, type(error).__name__).inc()
            _log.warning("the log is not up yet, trying again: %s", error)
            health.stop.wait(RETRY_SECONDS)
    raise AskedToStop


@contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """Let SIGTERM and SIGINT set `stop`. Python takes handlers in the main thread only; elsewhere nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def on_signal(number: int, _frame: FrameType | None) -> None:
        _log.info("asked to stop by %s", signal.Signals(number).name)
        stop.set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _keeps_us(thread: threading.Thread) -> bool:
    """A thread that would keep the process from ending, or whose work would be torn up by its end."""
    return not thread.daemon or thread.name == WORKER_NAME
