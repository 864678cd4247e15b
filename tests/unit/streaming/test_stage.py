"""The stage loop on the embedded log: what becomes of a record, whatever the work does."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from segwatch.contracts.envelope import Event
from segwatch.contracts.topics import dead_letters
from segwatch.errors import StoreUnavailable, Unprocessable
from segwatch.streaming.deadletters.writing import REPLAY_FOR
from segwatch.streaming.log import Record, outgoing
from segwatch.streaming.runtime import AskedToStop, Runtime
from segwatch.streaming.settings import ServiceSettings
from segwatch.streaming.stage import Stage, group_of, run_stage
from tests.support.streaming import (
    READS,
    WRITES,
    eventually,
    ids,
    make_topics,
    measured,
    put,
    put_raw,
    read_all,
    running,
    scored,
    settings_for,
    started,
)


def pass_on(event: Event[Any]) -> Sequence[Event[Any]]:
    return [scored(event)]


def results(runtime: Runtime[ServiceSettings]) -> list[str]:
    return ids(read_all(runtime.log, WRITES))


def letters(runtime: Runtime[ServiceSettings]) -> list[dict[str, str]]:
    return [marks(record) for record in read_all(runtime.log, dead_letters(READS))]


def marks(record: Record) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers if name.startswith("dlq_")}


def count(runtime: Runtime[ServiceSettings], name: str, **labels: str) -> float:
    return runtime.telemetry.registry.get_sample_value(name, {"stage": "scoring", **labels}) or 0.0


def committed(runtime: Runtime[ServiceSettings]) -> bool:
    """Whether a new member of the group would find nothing left to do."""
    with runtime.log.consumer(group=group_of("scoring"), topics=[READS]) as consumer:
        return not consumer.poll(0.2)


def test_every_record_becomes_its_results_in_order(tmp_path: Path) -> None:
    with started(tmp_path) as runtime:
        put(runtime.log, "a", "b", "c")
        with running(runtime, pass_on):
            eventually(lambda: len(results(runtime)) == 3)
        assert results(runtime) == ["a-scored", "b-scored", "c-scored"]
        assert committed(runtime)
        assert count(runtime, "segwatch_stage_messages_total", outcome="done") == 3
        assert count(runtime, "segwatch_stage_seconds_count") == 3
        assert count(runtime, "segwatch_stage_last_success_timestamp_seconds") > 1.7e9


def test_work_that_yields_nothing_is_done_all_the_same(tmp_path: Path) -> None:
    with started(tmp_path) as runtime:
        put(runtime.log, "a")
        with running(runtime, lambda event: []):
            eventually(lambda: count(runtime, "segwatch_stage_messages_total", outcome="done") == 1)
        assert committed(runtime)


def test_a_result_is_in_the_log_before_its_record_is_committed(tmp_path: Path) -> None:
    """Killed between acknowledgement and commit, the same work gives the same id again."""
    with started(tmp_path) as runtime:
        put(runtime.log, "a")
        with runtime.log.consumer(group=group_of("scoring"), topics=[READS]) as dies:
            [record] = dies.poll(5)
            with runtime.log.producer() as producer:
                producer.send([outgoing(WRITES, scored(measured("a")))])  # and no commit
        assert record.at.offset == 0
        with running(runtime, pass_on):
            eventually(lambda: len(results(runtime)) == 2)
        assert set(results(runtime)) == {"a-scored"}


def test_an_invalid_message_goes_to_the_dead_letters_and_nothing_behind_it_waits(tmp_path: Path) -> None:
    with started(tmp_path) as runtime:
        put_raw(runtime.log, b"not json at all", (("x", b"y"),))
        put(runtime.log, "after")
        with running(runtime, pass_on):
            eventually(lambda: results(runtime) == ["after-scored"])
        [letter] = letters(runtime)
        assert letter["dlq_error"] == "invalid_message"
        assert letter["dlq_stage"] == "scoring"
        assert (letter["dlq_topic"], letter["dlq_partition"], letter["dlq_offset"]) == (READS, "0", "0")
        assert letter["dlq_attempts"] == "1"
        [record] = read_all(runtime.log, dead_letters(READS))
        assert (record.key, record.value) == (b"k", b"not json at all")
        assert ("x", b"y") in record.headers
        assert count(runtime, "segwatch_dead_letters_total", error="invalid_message") == 1
        assert count(runtime, "segwatch_stage_messages_total", outcome="dead_letter") == 1


def test_what_can_never_be_processed_is_tried_once(tmp_path: Path) -> None:
    tried = []

    def refuse(event: Event[Any]) -> Sequence[Event[Any]]:
        tried.append(event.id)
        raise Unprocessable("the mask is\n  not binary", kind="bad_mask")

    with started(tmp_path) as runtime:
        put(runtime.log, "a")
        with running(runtime, refuse):
            eventually(lambda: len(letters(runtime)) == 1)
        assert tried == ["a"]
        assert letters(runtime)[0]["dlq_reason"] == "the mask is not binary"


@pytest.mark.parametrize("error", [ValueError("contents: PATIENT^NAME"), MemoryError(), SystemExit(3)])
def test_an_unexpected_error_is_retried_and_then_a_dead_letter_without_its_text(
    tmp_path: Path, error: BaseException
) -> None:
    tried = []

    def fail(event: Event[Any]) -> Sequence[Event[Any]]:
        tried.append(event.id)
        raise error

    with started(tmp_path, max_attempts=3) as runtime:
        put(runtime.log, "a", "b")
        with running(runtime, lambda event: fail(event) if event.id == "a" else pass_on(event)):
            eventually(lambda: results(runtime) == ["b-scored"])
        assert tried == ["a", "a", "a"]
        [letter] = letters(runtime)
        assert letter["dlq_error"] == f"unexpected_{type(error).__name__}"
        assert letter["dlq_attempts"] == "3"
        assert "PATIENT" not in letter["dlq_reason"]
        assert "test_stage.py" in letter["dlq_reason"]
        kind = f"unexpected_{type(error).__name__}"
        assert count(runtime, "segwatch_stage_retries_total", error=kind) == 2


def test_a_record_that_ends_its_process_again_and_again_becomes_a_dead_letter(tmp_path: Path) -> None:
    with started(tmp_path, max_attempts=2) as runtime:
        put(runtime.log, "a", "b")
        for _ in range(2):
            with runtime.log.consumer(group=group_of("scoring"), topics=[READS]) as killed:
                killed.begin(killed.poll(5)[0].at)  # and the process is gone
        with running(runtime, pass_on):
            eventually(lambda: results(runtime) == ["b-scored"])
        [letter] = letters(runtime)
        assert (letter["dlq_error"], letter["dlq_attempts"]) == ("ended_the_process", "2")


def test_studies_that_are_handed_back_are_not_blamed_for_it(tmp_path: Path) -> None:
    away = threading.Event()

    def need_the_store(event: Event[Any]) -> Sequence[Event[Any]]:
        if away.is_set():
            raise StoreUnavailable("away")
        return pass_on(event)

    away.set()
    with started(tmp_path) as first:
        put(first.log, "a")
    for _ in range(4):
        with started(tmp_path, max_attempts=1) as runtime, running(runtime, need_the_store):
            eventually(lambda: count(runtime, "segwatch_stage_retries_total", error="StoreUnavailable") > 0)
    away.clear()
    with started(tmp_path, max_attempts=1) as runtime, running(runtime, need_the_store):
        eventually(lambda: results(runtime) == ["a-scored"])


def test_a_transient_fault_is_waited_out_however_often_it_comes(tmp_path: Path) -> None:
    store = threading.Event()
    tried = []

    def need_the_store(event: Event[Any]) -> Sequence[Event[Any]]:
        tried.append(event.id)
        if not store.is_set():
            raise StoreUnavailable("the store is away")
        return pass_on(event)

    with started(tmp_path, max_attempts=1) as runtime:
        put(runtime.log, "a", "b")
        with running(runtime, need_the_store):
            eventually(lambda: len(tried) > 4)
            assert not runtime._ready.is_set()
            store.set()
            eventually(lambda: results(runtime) == ["a-scored", "b-scored"])
            eventually(runtime._ready.is_set)
        assert letters(runtime) == []
        assert count(runtime, "segwatch_stage_retries_total", error="StoreUnavailable") >= 4


def test_long_work_keeps_its_place_and_is_done_once(tmp_path: Path) -> None:
    go_on = threading.Event()
    tried = []

    def slow(event: Event[Any]) -> Sequence[Event[Any]]:
        tried.append(event.id)
        go_on.wait(20)
        return pass_on(event)

    with started(tmp_path) as runtime:
        put(runtime.log, "a", "b")
        with running(runtime, slow):
            eventually(lambda: tried == ["a"])
            fed_at = runtime._watchdog._fed_at
            eventually(lambda: runtime._watchdog._fed_at > fed_at)
            with runtime.log.consumer(group=group_of("scoring"), topics=[READS]) as other:
                assert list(other.poll(0.3)) == []
            go_on.set()
            eventually(lambda: results(runtime) == ["a-scored", "b-scored"])
        assert tried == ["a", "b"]


def test_a_stop_during_long_work_hands_the_study_back(tmp_path: Path) -> None:
    begun, never = threading.Event(), threading.Event()

    def endless(event: Event[Any]) -> Sequence[Event[Any]]:
        begun.set()
        never.wait(60)
        return pass_on(event)

    with started(tmp_path) as runtime:
        put(runtime.log, "a")
        with running(runtime, endless):
            assert begun.wait(20)
            runtime.stop.set()
        assert results(runtime) == []
        assert not committed(runtime)
        never.set()


def test_a_stop_during_short_work_lets_the_study_finish(tmp_path: Path) -> None:
    begun = threading.Event()

    def quick(event: Event[Any]) -> Sequence[Event[Any]]:
        begun.set()
        threading.Event().wait(0.15)  # longer than short work, shorter than the grace
        return pass_on(event)

    with started(tmp_path) as runtime:
        put(runtime.log, "a", "b")
        with running(runtime, quick):
            assert begun.wait(20)
            runtime.stop.set()
        assert results(runtime) == ["a-scored"]
        assert not committed(runtime)  # b is untouched


def test_a_stop_during_a_fault_hands_the_study_back_at_once(tmp_path: Path) -> None:
    tried = threading.Event()

    def away(_event: Event[Any]) -> Sequence[Event[Any]]:
        tried.set()
        raise StoreUnavailable("away")

    with started(tmp_path) as runtime:
        put(runtime.log, "a")
        with running(runtime, away):
            assert tried.wait(20)
        assert letters(runtime) == []
        assert not committed(runtime)


def test_a_record_replayed_for_another_stage_is_skipped_unread(tmp_path: Path) -> None:
    with started(tmp_path) as runtime:
        put_raw(runtime.log, b"rubbish", ((REPLAY_FOR, b"aggregation"),))
        put(runtime.log, "mine")
        with running(runtime, pass_on):
            eventually(lambda: results(runtime) == ["mine-scored"])
        assert letters(runtime) == []
        assert count(runtime, "segwatch_stage_messages_total", outcome="skipped") == 1


def test_a_record_replayed_for_this_stage_is_processed(tmp_path: Path) -> None:
    with started(tmp_path) as runtime:
        sent = outgoing(READS, measured("a"))
        put_raw(runtime.log, sent.value or b"", (*sent.headers, (REPLAY_FOR, b"scoring")))
        with running(runtime, pass_on):
            eventually(lambda: results(runtime) == ["a-scored"])


def test_a_result_that_is_too_large_becomes_a_dead_letter(tmp_path: Path) -> None:
    def huge(event: Event[Any]) -> Sequence[Event[Any]]:
        made = scored(event)
        return [
            Event(**{**{name: getattr(made, name) for name in made.__slots__}, "source": "x" * 2_000_000})
        ]

    with started(tmp_path) as runtime:
        put(runtime.log, "a")
        with running(runtime, huge):
            eventually(lambda: [letter["dlq_error"] for letter in letters(runtime)] == ["record_too_large"])
        assert committed(runtime)


def test_a_topic_of_results_that_is_missing_does_not_cost_the_study(tmp_path: Path) -> None:
    with started(tmp_path) as runtime:
        put(runtime.log, "a")
        late = "segwatch.late.v1"

        def to_a_new_topic(event: Event[Any]) -> Sequence[Event[Any]]:
            return [replace(scored(event), type=late)]

        with running(runtime, to_a_new_topic):
            eventually(lambda: count(runtime, "segwatch_stage_retries_total", error="LogRefused") > 1)
            runtime.log.create_topics({late: 1})
            eventually(lambda: len(read_all(runtime.log, late)) == 1)


def test_a_stage_waits_for_missing_topics_before_it_begins_and_names_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with started(tmp_path) as runtime:
        runtime.stop.wait = lambda _seconds: bool(runtime.stop.set())  # type: ignore[method-assign]
        stage = Stage("scoring", [READS], pass_on, writes=["segwatch.nowhere.v1"])
        with pytest.raises(AskedToStop):
            run_stage(stage, runtime)
    assert "segwatch.nowhere.v1" in caplog.text


def test_ready_means_that_the_place_in_the_group_is_taken(tmp_path: Path) -> None:
    with started(tmp_path) as runtime:
        assert not runtime._ready.is_set()
        with running(runtime, pass_on):
            eventually(runtime._ready.is_set)
        assert not runtime._ready.is_set()


def test_the_lag_is_shown(tmp_path: Path) -> None:
    with started(tmp_path) as runtime, running(runtime, pass_on):
        eventually(
            lambda: (
                runtime.telemetry.registry.get_sample_value(
                    "segwatch_stage_lag", {"stage": "scoring", "topic": READS, "partition": "0"}
                )
                == 0
            )
        )


def test_two_processes_share_a_group_without_doing_the_same_work(tmp_path: Path) -> None:
    from segwatch.streaming.runtime import start  # a second process in miniature: its own connections

    with started(tmp_path) as one, start("scoring", settings_for(tmp_path)) as two:
        make_topics(two.log)
        with running(one, pass_on), running(two, pass_on):
            for name in "abcdefgh":
                put(one.log, name)
            eventually(lambda: len(results(one)) == 8)
        assert sorted(results(one)) == [f"{name}-scored" for name in "abcdefgh"]
