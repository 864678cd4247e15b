"""A service's process in miniature: settings, log and runtime on a SQLite file, for tests of stages."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.local.machine.waiting import comes_true
from segwatch.contracts.envelope import Event
from segwatch.contracts.topics import MEASURED, SCORED, dead_letters
from segwatch.streaming.log import Log, Outgoing, Record, outgoing
from segwatch.streaming.runtime import Runtime, start
from segwatch.streaming.settings import ServiceSettings
from segwatch.streaming.stage import Stage, run_stage
from segwatch.streaming.stage_loop import StageTimes
from tests.support.messages import MESSAGES, NOW

QUICK = StageTimes(
    poll=0.05, short_work=0.05, paused_poll=0.02, grace=0.3, first_delay=0.02, longest_delay=0.1
)
READS, WRITES = MEASURED, SCORED


def settings_for(folder: Path, **more: Any) -> ServiceSettings:
    """Settings on an embedded log in the folder."""
    given = {"log": "embedded", "log_file": folder / "log.db", "http_host": "127.0.0.1", "http_port": 0}
    return ServiceSettings(**(given | more))


def measured(name: str) -> Event[Any]:
    """A message that the stages in these tests read."""
    return Event(
        id=name, type=READS, key="5" * 32, source="/test", time=NOW, data=MESSAGES[READS], correlation="c"
    )


def scored(event: Event[Any]) -> Event[Any]:
    """What these tests' stages make of it."""
    return Event(
        id=f"{event.id}-scored",
        type=WRITES,
        key=event.key,
        source="/stage",
        time=NOW,
        data=MESSAGES[WRITES],
        correlation=event.correlation,
    )


def make_topics(log: Log) -> None:
    log.create_topics({READS: 1, dead_letters(READS): 1, WRITES: 1, dead_letters(WRITES): 1})


def put(log: Log, *names: str) -> None:
    with log.producer() as producer:
        producer.send([outgoing(READS, measured(name)) for name in names])


def put_raw(log: Log, value: bytes, headers: tuple[tuple[str, bytes], ...] = ()) -> None:
    with log.producer() as producer:
        producer.send([Outgoing(READS, b"k", value, headers)])


def read_all(log: Log, topic: str) -> list[Record]:
    with log.reader([topic]) as reader:
        found: list[Record] = []
        while not reader.at_end():
            found += reader.poll(1.0)
        return found


def ids(records: Sequence[Record]) -> list[str]:
    """The CloudEvents ids of the records."""
    return [dict(record.headers)["ce_id"].decode() for record in records]


@contextmanager
def running(
    runtime: Runtime[ServiceSettings],
    handle: Callable[[Event[Any]], Sequence[Event[Any]]],
    name: str = "scoring",
) -> Iterator[threading.Thread]:
    """Runs a stage beside the test, and ends it."""
    stage = Stage(name, [READS], handle, writes=[WRITES])
    thread = threading.Thread(target=run_stage, args=(stage, runtime, QUICK))
    thread.start()
    try:
        yield thread
    finally:
        runtime.stop.set()
        thread.join(20)
        assert not thread.is_alive()


@contextmanager
def started(folder: Path, **more: Any) -> Iterator[Runtime[ServiceSettings]]:
    """A runtime with topics on an embedded log."""
    with start("scoring", settings_for(folder, **more)) as runtime:
        make_topics(runtime.log)
        yield runtime


def eventually(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something holds; it is an error where it never does."""
    assert comes_true(holds, seconds, 0.01), "it never came true"
