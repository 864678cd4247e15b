"""The SQLite file as a log: leases, several processes, and files that are none."""

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest

from segwatch.errors import LogRefused, LogUnavailable, LostPlace
from segwatch.streaming.embedded.consumer import EmbeddedConsumer
from segwatch.streaming.embedded.file import LogFile
from segwatch.streaming.embedded.log import EmbeddedLog
from segwatch.streaming.log import Outgoing
from tests.support.streaming import eventually

SHORT_LEASE_SECONDS = 0.2


@pytest.fixture
def log(embedded_log: EmbeddedLog) -> EmbeddedLog:
    embedded_log.create_topics({"t": 1})
    with embedded_log.producer() as producer:
        producer.send([Outgoing("t", b"k", text) for text in (b"a", b"b")])
    return embedded_log


@pytest.fixture
def path(log: EmbeddedLog, tmp_path: Path) -> Path:
    assert log.topics() == {"t"}
    return tmp_path / "log.db"


@pytest.fixture
def dead(path: Path) -> Iterator[EmbeddedConsumer]:
    """A member that has a record in hand and says nothing more."""
    member = EmbeddedConsumer(LogFile(path), "g", ["t"], None, lease_seconds=SHORT_LEASE_SECONDS)
    assert member.poll(1.0)[0].value == b"a"
    yield member
    member.close()


def test_a_dead_members_lease_runs_out_and_another_takes_over(
    log: EmbeddedLog, dead: EmbeddedConsumer
) -> None:
    with log.consumer(group="g", topics=["t"]) as heir:
        assert dead.is_member()
        assert [record.value for record in heir.poll(20)] == [b"a"]


def test_a_member_that_was_given_up_cannot_commit_any_more(log: EmbeddedLog, dead: EmbeddedConsumer) -> None:
    with log.consumer(group="g", topics=["t"]) as heir:
        [record] = heir.poll(20)
        with pytest.raises(LostPlace):
            dead.commit(record.at)


def test_a_member_that_comes_back_begins_at_the_last_commit(path: Path, dead: EmbeddedConsumer) -> None:
    heir = EmbeddedConsumer(LogFile(path), "g", ["t"], None, lease_seconds=SHORT_LEASE_SECONDS)
    [record] = heir.poll(20)
    heir.commit(record.at)
    heir.close()
    found = []
    eventually(lambda: bool(found.extend(dead.poll(0.1)) or found))
    assert [record.value for record in found] == [b"b"]


def test_a_late_commit_never_takes_the_group_back(log: EmbeddedLog) -> None:
    with log.consumer(group="g", topics=["t"]) as consumer:
        [first], [second] = consumer.poll(1), consumer.poll(1)
        consumer.commit(second.at)
        consumer.commit(first.at)
        assert consumer.lag() == {("t", 0): 0}


def _write(path: Path, name: str) -> None:
    with EmbeddedLog(path) as log, log.producer() as producer:
        for number in range(20):
            producer.send([Outgoing("t", b"k", f"{name}{number}".encode())])


def test_processes_that_write_at_once_lose_nothing_and_keep_their_order(log: EmbeddedLog, path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(path, name)) for name in "xy"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    with log.reader(["t"], from_offset=2) as reader:
        found = [record.value.decode() for record in reader.poll(1) if record.value]
    for name in "xy":
        assert [value for value in found if value[0] == name] == [f"{name}{n}" for n in range(20)]


def test_a_reader_hears_of_a_record_while_it_waits(log: EmbeddedLog, path: Path) -> None:
    with log.reader(["t"], from_offset=2) as reader:
        writer = multiprocessing.get_context("spawn").Process(target=_write, args=(path, "x"))
        writer.start()
        assert reader.poll(60)
        writer.join(60)


def test_a_file_that_is_no_log_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"these are notes and no database" * 100)
    with pytest.raises(LogUnavailable, match=r"notes\.txt"):
        EmbeddedLog(path)
    assert path.read_bytes().startswith(b"these are notes")


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable, match=r"missing/log\.db.*folder exists"):
        EmbeddedLog(tmp_path / "missing" / "log.db")


def test_a_send_that_fails_in_the_middle_leaves_nothing_behind(log: EmbeddedLog) -> None:
    with log.producer() as producer, pytest.raises(LogRefused):
        producer.send([Outgoing("t", b"k", b"c"), Outgoing("missing", b"k", b"d")])
    with log.reader(["t"]) as reader:
        assert len(reader.poll(1)) == 2
