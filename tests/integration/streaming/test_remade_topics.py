"""A topic deleted and made again under whoever reads it, and what a time limit took: on a real broker."""

import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaAdminClient, TopicPartition

from segwatch.errors import LostPlace, TopicRemade
from segwatch.streaming.kafka.consumer import KafkaConsumer
from segwatch.streaming.kafka.log import KafkaLog
from segwatch.streaming.log import Outgoing
from segwatch.streaming.settings import ConnectionSettings
from segwatch.streaming.topic_reader import TopicReader

if TYPE_CHECKING:
    from deploy.local.kafka.broker import Broker

pytestmark = pytest.mark.broker
PATIENCE_SECONDS = 40.0
TOPIC_GONE_SECONDS = 0.5


@pytest.fixture
def log(broker: "Broker", monkeypatch: pytest.MonkeyPatch) -> Iterator[KafkaLog]:
    """A log whose clients look every half second which topic bears a name."""
    monkeypatch.setattr("segwatch.streaming.kafka.options.METADATA_MS", 500)
    with KafkaLog(ConnectionSettings(kafka_bootstrap=broker.bootstrap)) as log:
        yield log


@pytest.fixture
def admin(broker: "Broker") -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    yield client
    client.close()


@pytest.fixture
def topic(log: KafkaLog) -> str:
    name = f"remade.{uuid.uuid4().hex}"
    log.create_topics({name: 1})
    return name


def put(log: KafkaLog, topic: str, first: int, last: int) -> None:
    with log.producer() as producer:
        producer.send([Outgoing(topic, b"k", b"%d" % number) for number in range(first, last + 1)])


def make_again(log: KafkaLog, admin: KafkaAdminClient, topic: str) -> None:
    before = log.identities()[topic]
    admin.delete_topics([topic])
    while topic in log.topics():
        time.sleep(0.05)
    time.sleep(TOPIC_GONE_SECONDS)
    log.create_topics({topic: 1})
    assert log.identities()[topic] != before


def eat(consumer: KafkaConsumer, number: int) -> list[int]:
    """The next records, each committed."""
    found: list[int] = []
    until = time.monotonic() + PATIENCE_SECONDS
    while len(found) < number:
        assert time.monotonic() < until, f"only {found} came"
        for record in consumer.poll(0.2):
            consumer.begin(record.at)
            consumer.commit(record.at)
            found.append(int(record.value or b""))
    return found


def test_a_running_member_reads_a_topic_that_was_made_again_from_its_first_record(
    log: KafkaLog, admin: KafkaAdminClient, topic: str
) -> None:
    put(log, topic, 0, 2)
    consumer = log.consumer(group=topic, topics=[topic], member="m-0")
    assert eat(consumer, 3) == [0, 1, 2]

    make_again(log, admin, topic)
    put(log, topic, 100, 109)

    assert sorted(set(eat(consumer, 10))) == list(range(100, 110))
    assert dict(consumer.remade()) == {topic: 1}


def test_a_member_that_was_away_does_too(log: KafkaLog, admin: KafkaAdminClient, topic: str) -> None:
    put(log, topic, 0, 2)
    with log.consumer(group=topic, topics=[topic], member="m-0") as consumer:
        eat(consumer, 3)

    make_again(log, admin, topic)
    put(log, topic, 100, 109)

    consumer = log.consumer(group=topic, topics=[topic], member="m-0")
    assert eat(consumer, 10) == list(range(100, 110))


def test_a_record_of_the_topic_before_is_not_committed_in_the_one_of_now(
    log: KafkaLog, admin: KafkaAdminClient, topic: str
) -> None:
    put(log, topic, 0, 0)
    consumer = log.consumer(group=topic, topics=[topic], member="m-0")
    until = time.monotonic() + PATIENCE_SECONDS
    while not (records := consumer.poll(0.2)):
        assert time.monotonic() < until
    make_again(log, admin, topic)
    put(log, topic, 100, 103)
    consumer.pause()
    while not consumer._places.is_other(consumer._client, topic):
        consumer.poll(0.2)
        assert time.monotonic() < until

    with pytest.raises(LostPlace, match="made again"):
        consumer.commit(records[0].at)
    consumer.resume()
    assert eat(consumer, 4) == [100, 101, 102, 103]


@pytest.mark.parametrize("running", [True, False])
def test_what_a_time_limit_took_is_counted_and_said(
    log: KafkaLog,
    admin: KafkaAdminClient,
    topic: str,
    running: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    put(log, topic, 0, 2)
    consumer = log.consumer(group=topic, topics=[topic], member="m-0")
    eat(consumer, 3)
    if not running:
        consumer.close()
    put(log, topic, 3, 19)
    admin.delete_records({TopicPartition(topic, 0): 20})
    put(log, topic, 20, 22)
    if not running:
        consumer = log.consumer(group=topic, topics=[topic], member="m-0")

    seen = eat(consumer, 3)

    lost = set(range(3, 23)) - set(seen) - set(eat_rest(consumer))
    assert dict(consumer.lost()).get(topic, 0) == len(lost)
    if not running:
        assert (seen, consumer.lost()[topic]) == ([20, 21, 22], 17)
        assert "17 records of" in caplog.text


def eat_rest(consumer: KafkaConsumer) -> list[int]:
    """What else comes within a moment: a running client may have fetched records before they were deleted."""
    until = time.monotonic() + 2.0
    found = []
    while time.monotonic() < until:
        found += [int(record.value or b"") for record in consumer.poll(0.2)]
    return found


def test_a_reader_says_that_its_topic_is_another_now(
    log: KafkaLog, admin: KafkaAdminClient, topic: str
) -> None:
    put(log, topic, 0, 2)
    reader = TopicReader(log, topic)
    assert len(list(reader.to_end())) == 3
    make_again(log, admin, topic)
    put(log, topic, 100, 109)

    def poll_on() -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            reader.poll(0.2)

    with pytest.raises(TopicRemade):
        poll_on()
    reader.close()
    again = TopicReader(log, topic)
    assert [int(record.value or b"") for record in again.to_end()] == list(range(100, 110))
    again.close()
