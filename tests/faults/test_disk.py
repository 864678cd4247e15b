"""A broker whose disk is full, where nothing may be mounted: by a limit on how far its files may grow."""

from contextlib import suppress
from pathlib import Path

import pytest

from deploy.local.kafka.broker import Broker
from deploy.local.machine import jars
from segwatch.errors import LogUnavailable
from segwatch.streaming.kafka import producer as kafka_producer
from segwatch.streaming.log import Outgoing, Producer
from tests.faults.disk import INSIDE, SmallDisk
from tests.support.streaming import eventually, read_all

pytestmark = [pytest.mark.broker, pytest.mark.slow]
TOPIC = "t"


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallDisk:
    why = jars.available()
    if why is not None:
        pytest.skip(f"no Kafka broker here: {why}")
    monkeypatch.delenv(INSIDE, raising=False)
    monkeypatch.setattr(kafka_producer, "ACKNOWLEDGE_SECONDS", 3.0)  # a service waits for a minute
    return SmallDisk(tmp_path / "broker" / "data")


def send(producer: Producer, values: range) -> list[bytes]:
    """Send until the broker takes no more; what it acknowledged."""
    taken: list[bytes] = []
    with suppress(LogUnavailable):
        for value in values:
            producer.send([Outgoing(TOPIC, b"k", b"%d" % value)])
            taken.append(b"%d" % value)
    return taken


def test_a_full_disk_ends_the_broker_and_loses_nothing_that_was_acknowledged(
    tmp_path: Path, disk: SmallDisk
) -> None:
    assert "limit" in disk.how
    broker = Broker(tmp_path / "broker")
    try:
        with broker.start().log_address.open() as log, log.producer() as producer:
            log.create_topics({TOPIC: 1})
            taken = send(producer, range(20))
            assert len(taken) == 20
            disk.fill(broker.child.pid)
            taken += send(producer, range(20, 100))
            assert len(taken) < 100, "the disk was full"
            eventually(lambda: not broker.child.alive(), seconds=30)
            disk.free()
            broker.start()
            eventually(lambda: bool(send(producer, range(100, 101))), seconds=20)
            taken += [b"100"]
            assert [record.value for record in read_all(log, TOPIC) if record.value in taken] == taken
    finally:
        broker.stop()
        disk.close()
