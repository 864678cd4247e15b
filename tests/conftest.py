"""What many rooms' tests stand on: a real broker, started once and only where it is asked for, and a log."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from segwatch.streaming.embedded.log import EmbeddedLog

if TYPE_CHECKING:
    from deploy.local.kafka.broker import Broker


# A shell that starts the tests in the background has them ignore SIGINT, and with them every program that
# they start: then no test of Ctrl-C could pass.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _nothing_ends_the_tests_silently() -> Iterator[None]:
    """`os._exit` in this process would end all tests with exit code 0 and no word: let it fail instead."""
    leave, ours = os._exit, os.getpid()

    def guarded(code: int) -> None:
        if os.getpid() == ours:
            raise AssertionError(f"something called os._exit({code}) in the tests' own process")
        leave(code)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "_exit", guarded)
        yield


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Broker]":
    """One real Kafka broker for all tests of the session. Tests take topics and groups of their own."""
    from deploy.local.kafka.broker import Broker  # most tests need neither Java nor a Kafka client

    with Broker(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture
def embedded_log(tmp_path: Path) -> Iterator[EmbeddedLog]:
    """A log in a SQLite file, without topics."""
    with EmbeddedLog(tmp_path / "log.db") as log:
        yield log
