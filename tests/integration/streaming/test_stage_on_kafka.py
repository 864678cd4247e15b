"""Stages on a real broker: killed, stopped, fenced, slow, poisoned, and with the broker away."""

import signal
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kafka
import pytest

from segwatch.contracts.envelope import Event
from segwatch.contracts.topics import dead_letters
from segwatch.errors import LogUnavailable
from segwatch.streaming.kafka.consumer import KafkaConsumer
from segwatch.streaming.kafka.log import KafkaLog
from segwatch.streaming.log import Log, Record, outgoing
from segwatch.streaming.runtime import EXIT_LOST_PLACE, start
from segwatch.streaming.settings import ConnectionSettings, ServiceSettings
from segwatch.streaming.stage import group_of
from tests.support.stage_process import start_stage
from tests.support.streaming import (
    READS,
    WRITES,
    eventually,
    ids,
    make_topics,
    measured,
    put_raw,
    read_all,
    running,
    scored,
)

if TYPE_CHECKING:
    from deploy.local.kafka.broker import Broker

pytestmark = pytest.mark.broker
Spawn = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def log(broker: "Broker") -> Iterator[Log]:
    with KafkaLog(ConnectionSettings(kafka_bootstrap=broker.bootstrap)) as log:
        make_topics(log)
        yield log


@pytest.fixture
def name(log: Log, broker: "Broker") -> str:
    """A stage of its own for each test, which has nothing to do yet."""
    name = f"s{uuid.uuid4().hex[:8]}"
    place = kafka.TopicPartition(READS, 0)
    client = kafka.KafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=group_of(name))
    client.assign([place])
    client.commit({place: kafka.OffsetAndMetadata(client.end_offsets([place])[place], "", -1)})
    client.close()
    assert log.topics() >= {READS, WRITES}
    return name


@pytest.fixture
def spawn(broker: "Broker", name: str, tmp_path: Path) -> Iterator[Spawn]:
    """Starts the stage as a process, with faults by setting."""
    processes: list[subprocess.Popen[bytes]] = []

    def spawn(**settings: object) -> "subprocess.Popen[bytes]":
        given = {"KAFKA_BOOTSTRAP": broker.bootstrap, "HTTP_PORT": 0, "NAME": name, **settings}
        environment = {f"SEGWATCH_{key.upper()}": str(value) for key, value in given.items()}
        processes.append(start_stage(environment, tmp_path / f"{len(processes)}.log"))
        return processes[-1]

    yield spawn
    for process in processes:
        process.kill()
        process.wait()


def put(log: Log, *names: str) -> None:
    with log.producer() as producer:
        producer.send([outgoing(READS, measured(name)) for name in names])


def results(log: Log, name: str) -> list[str]:
    """The ids of this test's results: its messages bear its name."""
    return [id_ for id_ in ids(read_all(log, WRITES)) if id_.startswith(name)]


def letters(log: Log, name: str) -> list[Record]:
    return [
        record
        for record in read_all(log, dead_letters(READS))
        if dict(record.headers)["dlq_stage"] == name.encode()
    ]


def test_killed_between_acknowledgement_and_commit_doubles_nothing_by_id(
    log: Log, name: str, spawn: Spawn
) -> None:
    put(log, f"{name}-a", f"{name}-b")
    dying = spawn(dies_before_commit=True, member="pod-0")
    assert dying.wait(30) == -signal.SIGKILL
    assert results(log, name) == [f"{name}-a-scored"]
    spawn(member="pod-0")
    eventually(lambda: f"{name}-b-scored" in results(log, name))
    assert results(log, name) == [f"{name}-a-scored", f"{name}-a-scored", f"{name}-b-scored"]


def test_a_stop_in_the_middle_of_a_study_hands_it_back(
    log: Log, name: str, spawn: Spawn, tmp_path: Path
) -> None:
    put(log, f"{name}-a")
    begun = tmp_path / "begun"
    busy = spawn(work_seconds=600, begun_file=begun)
    eventually(begun.exists, 30)
    busy.terminate()
    assert busy.wait(30) == 0
    assert results(log, name) == []
    spawn()
    eventually(lambda: results(log, name) == [f"{name}-a-scored"], 30)


def test_a_fenced_static_member_ends_its_process(log: Log, name: str, spawn: Spawn, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    put(log, f"{name}-a")
    first = spawn(member="pod-0", begun_file=begun)
    eventually(begun.exists, 30)
    spawn(member="pod-0")
    assert first.wait(30) == EXIT_LOST_PLACE
    put(log, f"{name}-b")
    eventually(lambda: f"{name}-b-scored" in results(log, name), 30)


def test_a_poison_message_goes_to_the_dead_letters_and_nothing_behind_it_waits(
    log: Log, name: str, spawn: Spawn
) -> None:
    put_raw(log, b"\xff\x00 no message", (("ce_specversion", b"\xff"),))
    put(log, f"{name}-after")
    spawn()
    eventually(lambda: results(log, name) == [f"{name}-after-scored"], 30)
    [letter] = letters(log, name)
    assert letter.value == b"\xff\x00 no message"
    assert dict(letter.headers)["dlq_error"] == b"invalid_message"


class ShortPoll(KafkaLog):
    """A broker's patience that is shorter than the work: 2 s between polls, where the default is 300."""

    def __init__(self, settings: ConnectionSettings) -> None:
        super().__init__(settings)
        self.settings = settings

    def consumer(self, *, group: str, topics: Sequence[str], member: str | None = None) -> KafkaConsumer:
        return self._made.enter_context(
            KafkaConsumer(self._options, group, topics, member, poll_interval_ms=2_000, session_ms=6_000)
        )


def test_work_longer_than_the_poll_interval_keeps_its_place(broker: "Broker", log: Log, name: str) -> None:
    settings = ServiceSettings(kafka_bootstrap=broker.bootstrap, http_host="127.0.0.1", http_port=0)
    done: list[str] = []

    def slow(event: Event[Any]) -> Sequence[Event[Any]]:
        done.append(event.id)
        if event.id.endswith("-slow"):
            threading.Event().wait(5)
        return [scored(event)]

    with start(name, settings) as runtime, ShortPoll(settings) as short:
        runtime.log = short
        put(log, f"{name}-slow", f"{name}-next")
        with running(runtime, slow, name=name):
            eventually(lambda: len(results(log, name)) == 2, 30)
    assert done == [f"{name}-slow", f"{name}-next"]


def test_a_broker_that_restarts_in_mid_stream_loses_nothing(
    broker: "Broker", log: Log, name: str, spawn: Spawn
) -> None:
    stage = spawn(member="pod-0")
    put(log, *(f"{name}-{number}" for number in range(5)))
    eventually(lambda: len(results(log, name)) == 5, 30)
    broker.stop()
    broker.start()
    put(log, *(f"{name}-{number}" for number in range(5, 10)))
    eventually(lambda: len(set(results(log, name))) == 10, 60)
    assert stage.poll() is None


def test_a_member_that_was_given_up_while_the_broker_was_away_reads_on_when_it_is_back(
    broker: "Broker", log: Log, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its client is closed by then, and no other could be made."""
    monkeypatch.setattr("segwatch.streaming.kafka.consumer.RENEW_SECONDS", 0.1)
    with KafkaLog(ConnectionSettings(kafka_bootstrap=broker.bootstrap)) as own:
        member = own.consumer(group=group_of(name), topics=[READS], member=f"{name}-0")
        eventually(lambda: not member.poll(0.2) and member.is_member(), 30)
        broker.stop()
        try:
            for _ in range(8):
                with suppress(LogUnavailable):
                    member.lag()
                if "joins anew" in caplog.text:
                    break
            assert "joins anew" in caplog.text
        finally:
            broker.start()
        put(log, f"{name}-after")
        read: list[str] = []

        def comes() -> bool:
            with suppress(LogUnavailable):
                read.extend(ids(member.poll(0.5)))
            return f"{name}-after" in read

        eventually(comes, 60)
