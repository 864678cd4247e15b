"""What every log keeps to, whichever adapter: the same tests against the SQLite file and a real broker."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.machine.waiting import comes_true
from segwatch.contracts.topics import RELEASE
from segwatch.errors import LogRefused, LostPlace, Unprocessable
from segwatch.streaming.embedded.log import EmbeddedLog
from segwatch.streaming.kafka.log import KafkaLog
from segwatch.streaming.log import Consumer, Log, Outgoing, Position, Reader, Record
from segwatch.streaming.settings import ConnectionSettings

Open = Callable[[], Log]
PATIENCE_SECONDS = 20.0


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.broker)])
def open_log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens connections to one log, as several processes would."""
    opened: list[Log] = []
    if request.param == "embedded":

        def connect() -> Log:
            return EmbeddedLog(tmp_path / "log.db")
    else:
        bootstrap = request.getfixturevalue("broker").bootstrap

        def connect() -> Log:
            return KafkaLog(ConnectionSettings(kafka_bootstrap=bootstrap))

    def open_one() -> Log:
        opened.append(connect())
        return opened[-1]

    yield open_one
    for log in opened:
        log.close()


@pytest.fixture
def log(open_log: Open) -> Log:
    return open_log()


@pytest.fixture
def topic(log: Log) -> str:
    # A release topic by its name: all others take the broker's time instead of the sender's.
    name = f"t{uuid.uuid4().hex}.{RELEASE}"
    log.create_topics({name: 1})
    return name


@pytest.fixture
def group() -> str:
    return f"g.{uuid.uuid4().hex}"


def record(topic: str, text: str = "v", key: str = "k") -> Outgoing:
    return Outgoing(topic, key.encode(), text.encode(), (("h", b"\x00\xff"),), 1_700_000_000_000)


def send(log: Log, topic: str, *texts: str) -> list[Position]:
    with log.producer() as producer:
        return producer.send([record(topic, text) for text in texts])


def take(consumer: Consumer | Reader, number: int) -> list[Record]:
    found: list[Record] = []
    for _ in range(int(PATIENCE_SECONDS)):
        found += consumer.poll(1.0)
        if len(found) >= number:
            return found
    raise AssertionError(f"only {len(found)} of {number} records came")


def texts(records: list[Record]) -> list[str]:
    return [(each.value or b"").decode() for each in records]


def test_a_record_comes_back_as_it_was_sent(log: Log, topic: str) -> None:
    [at] = send(log, topic, "hello")
    with log.reader([topic]) as reader:
        [found] = take(reader, 1)
    assert found == Record(at, b"k", b"hello", (("h", b"\x00\xff"),), 1_700_000_000_000)
    assert at == Position(topic, 0, 0)


def test_headers_may_bear_the_same_name_twice_and_values_may_be_missing(log: Log, topic: str) -> None:
    with log.producer() as producer:
        producer.send([Outgoing(topic, b"k", None, (("h", b"1"), ("h", b"2")))])
    with log.reader([topic]) as reader:
        [found] = take(reader, 1)
    assert found.value is None
    assert found.headers == (("h", b"1"), ("h", b"2"))
    assert found.timestamp_ms > 1_700_000_000_000


def test_records_keep_their_order_and_are_numbered_without_gaps(log: Log, topic: str) -> None:
    positions = send(log, topic, *map(str, range(50)))
    assert [at.offset for at in positions] == list(range(50))
    with log.reader([topic]) as reader:
        assert texts(take(reader, 50)) == list(map(str, range(50)))


def test_sending_to_a_topic_that_does_not_exist_is_refused_by_name(log: Log) -> None:
    with log.producer() as producer, pytest.raises(LogRefused, match="nobody-made-this"):
        producer.send([record("nobody-made-this")])
    assert "nobody-made-this" not in log.topics()


def test_a_record_that_is_too_large_is_refused_and_the_next_one_goes_through(log: Log, topic: str) -> None:
    with log.producer() as producer:
        with pytest.raises(Unprocessable) as refused:
            producer.send([record(topic, "x" * 1_048_577)])
        assert refused.value.kind == "record_too_large"
        producer.send([record(topic, "small")])
    with log.reader([topic]) as reader:
        assert texts(take(reader, 1)) == ["small"]


def test_missing_topics_are_named_all_at_once(log: Log, topic: str) -> None:
    log.require_topics([topic])
    with pytest.raises(LogRefused, match=r"missing\.one.*missing\.two"):
        log.require_topics([topic, "missing.one", "missing.two"])


def test_making_topics_again_changes_nothing(log: Log, topic: str) -> None:
    send(log, topic, "kept")
    log.create_topics({topic: 1, f"{topic}.more": 1}, forever=frozenset({f"{topic}.more"}))
    with log.reader([topic]) as reader:
        assert texts(take(reader, 1)) == ["kept"]
    assert {topic, f"{topic}.more"} <= log.topics()


def test_a_reader_is_at_the_end_when_all_was_handed_out(log: Log, topic: str) -> None:
    with log.reader([topic]) as reader:
        assert reader.at_end()
        send(log, topic, "a", "b")
        assert not reader.at_end()
        take(reader, 2)
        assert reader.at_end()


def test_a_reader_begins_where_it_is_told(log: Log, topic: str) -> None:
    send(log, topic, "a", "b", "c")
    with log.reader([topic], from_offset=2) as reader:
        assert texts(take(reader, 1)) == ["c"]


def test_a_reader_that_is_sent_behind_the_end_begins_anew(log: Log, topic: str) -> None:
    send(log, topic, "a", "b")
    with log.reader([topic], from_offset=7) as reader:
        assert texts(take(reader, 2)) == ["a", "b"]


def test_a_reader_of_a_missing_topic_is_refused(log: Log) -> None:
    with pytest.raises(LogRefused, match="missing"):
        log.reader(["missing"])


def test_a_consumer_goes_on_behind_the_last_commit(open_log: Open, log: Log, topic: str, group: str) -> None:
    send(log, topic, "a", "b", "c")
    with log.consumer(group=group, topics=[topic]) as consumer:
        [first] = take(consumer, 1)
        consumer.commit(first.at)
        [second] = take(consumer, 1)
        assert texts([first, second]) == ["a", "b"]
    with open_log().consumer(group=group, topics=[topic]) as consumer:
        assert texts(take(consumer, 2)) == ["b", "c"]


def test_every_group_gets_every_record(log: Log, topic: str, group: str) -> None:
    send(log, topic, "a")
    with (
        log.consumer(group=group, topics=[topic]) as one,
        log.consumer(group=f"{group}.2", topics=[topic]) as two,
    ):
        assert texts(take(one, 1)) == texts(take(two, 1)) == ["a"]


def test_a_consumer_reads_several_topics(log: Log, topic: str, group: str) -> None:
    log.create_topics({f"{topic}.2": 1})
    send(log, topic, "a")
    send(log, f"{topic}.2", "b")
    with log.consumer(group=group, topics=[topic, f"{topic}.2"]) as consumer:
        assert sorted(texts(take(consumer, 2))) == ["a", "b"]


def test_a_paused_consumer_hands_out_nothing_and_goes_on_where_it_was(
    log: Log, topic: str, group: str
) -> None:
    with log.consumer(group=group, topics=[topic]) as consumer:
        consumer.pause()
        send(log, topic, "a", "b")
        for _ in range(5):
            assert list(consumer.poll(0.3)) == []  # it joins the group while it is paused
        assert consumer.is_member()
        consumer.resume()
        assert texts(take(consumer, 2)) == ["a", "b"]


def test_two_members_do_not_get_the_same_records(open_log: Open, log: Log, topic: str, group: str) -> None:
    with log.consumer(group=group, topics=[topic]) as one:
        send(log, topic, "a")
        [first] = take(one, 1)
        one.commit(first.at)
        with open_log().consumer(group=group, topics=[topic]) as two:
            send(log, topic, "b")
            seen = []
            for _ in range(10):
                for consumer in (one, two):
                    for found in consumer.poll(0.2):
                        consumer.commit(found.at)
                        seen.append(found)
            assert texts(seen) == ["b"]


def test_a_static_member_takes_its_place_back_and_the_old_one_is_told(
    open_log: Open, log: Log, topic: str, group: str
) -> None:
    send(log, topic, "a", "b")
    old = log.consumer(group=group, topics=[topic], member="pod-0")
    [first] = take(old, 1)
    with open_log().consumer(group=group, topics=[topic], member="pod-0") as new:
        assert texts(take(new, 1)) == ["a"]
        with pytest.raises(LostPlace):
            old.commit(first.at)
        with pytest.raises(LostPlace):
            take(old, 1)
    old.close()


def test_work_that_was_begun_in_vain_is_remembered_until_it_is_done_or_handed_back(
    open_log: Open, log: Log, topic: str, group: str
) -> None:
    send(log, topic, "a", "b")
    for before in (0, 1, 2):
        with open_log().consumer(group=group, topics=[topic]) as vanishes:
            [first] = take(vanishes, 1)
            assert vanishes.begin(first.at) == before
    with open_log().consumer(group=group, topics=[topic]) as orderly:
        [first] = take(orderly, 1)
        assert orderly.begin(first.at) == 3
        orderly.hand_back(first.at)
    with open_log().consumer(group=group, topics=[topic]) as done:
        [first] = take(done, 1)
        assert done.begin(first.at) == 0
        done.commit(first.at)
    with open_log().consumer(group=group, topics=[topic]) as next_one:
        [second] = take(next_one, 1)
        assert next_one.begin(second.at) == 0


def test_the_lag_counts_what_is_not_committed(log: Log, topic: str, group: str) -> None:
    send(log, topic, "a", "b", "c")
    with log.consumer(group=group, topics=[topic]) as consumer:
        [first] = take(consumer, 1)
        assert consumer.lag() == {(topic, 0): 3}
        consumer.commit(first.at)
        assert consumer.lag() == {(topic, 0): 2}


def test_closing_twice_does_nothing(open_log: Open, topic: str, group: str) -> None:
    log = open_log()
    parts = [log.producer(), log.reader([topic]), log.consumer(group=group, topics=[topic])]
    for part in parts:
        part.close()
        part.close()
    log.close()
    log.close()


def test_topics_are_shared_out_and_what_one_leaves_another_takes(open_log: Open, group: str) -> None:
    one, other = open_log(), open_log()
    topics = {f"t{uuid.uuid4().hex}.{RELEASE}" for _ in range(6)}
    one.create_topics(dict.fromkeys(topics, 1))
    first, second = one.share(group), other.share(group)

    def parts() -> tuple[frozenset[str], frozenset[str]]:
        return first.held(topics) or frozenset(), second.held(topics) or frozenset()

    assert comes_true(lambda: set().union(*parts()) == topics, 3 * PATIENCE_SECONDS)
    assert comes_true(lambda: sum(map(len, parts())) == len(topics), 3 * PATIENCE_SECONDS)
    first.close()
    assert comes_true(lambda: second.held(topics) == topics, 3 * PATIENCE_SECONDS)


def test_a_reader_that_drops_a_topic_goes_on_with_the_others(log: Log, topic: str) -> None:
    other = f"t{uuid.uuid4().hex}.{RELEASE}"
    log.create_topics({other: 1})
    send(log, topic, "a")
    send(log, other, "b")
    with log.reader([topic, other]) as reader:
        assert sorted(texts(take(reader, 2))) == ["a", "b"]
        reader.drop([other])
        send(log, other, "c")
        send(log, topic, "d")
        assert texts(take(reader, 1)) == ["d"]
        assert reader.at_end()
