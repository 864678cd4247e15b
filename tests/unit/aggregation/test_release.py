"""What leaves says nothing about one study: not in key, value, headers or time stamps."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from segwatch.aggregation.mechanism.policy import read_policy
from segwatch.aggregation.mechanism.release import heartbeat_of, release_of
from segwatch.aggregation.tools.example import example_records
from segwatch.contracts.base import LEAVES
from segwatch.contracts.release import Heartbeat, NoisedMean, Portrait, Pulse
from segwatch.contracts.schemas import schema_of
from segwatch.contracts.studies import StudyScored
from segwatch.contracts.topics import LEDGER, RELEASE
from segwatch.streaming.log import Outgoing, Position, Record
from tests.support.leaving import not_leaving
from tests.support.messages import NOW
from tests.support.site_world import POLICY, World, scored

SHIPPED = Path(__file__).parents[3] / "deploy" / "policy"
HEADERS = {"ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "content-type", "ce_datacontenttype"}


def _released(studies: list[StudyScored]) -> tuple[World, list[Record]]:
    world = World()
    world.add(studies)
    world.run(world.service(seed=1))
    return world, world.log.records[RELEASE]


def test_no_pseudonym_time_or_correlation_of_a_study_is_in_a_release() -> None:
    studies = [scored(number, patient=number // 3) for number in range(120)]
    world, records = _released(studies)
    assert {record.key.split(b"-")[0] for record in records if record.key} == {b"pulse", b"portrait"}
    assert any(studies[0].study.encode() in (r.value or b"") for r in world.log.records[LEDGER])
    for record in records:
        everything = b"\0".join(
            [record.key or b"", record.value or b"", *(n.encode() + b"=" + v for n, v in record.headers)]
        )
        for study in studies:
            assert study.study.encode() not in everything
            assert study.patient.encode() not in everything
        assert {name for name, _ in record.headers} <= HEADERS
        assert b"T08:" not in everything  # the hour at which the studies were received
        assert datetime.fromtimestamp(record.timestamp_ms / 1000, UTC).time().isoformat() == "00:00:00"


def test_other_pseudonyms_and_times_of_day_give_the_same_bytes() -> None:
    shift = 500_000
    _, one = _released([scored(number) for number in range(120)])
    _, other = _released([scored(shift + number, received_at=NOW.replace(hour=20)) for number in range(120)])
    assert [(r.key, r.value, r.headers, r.timestamp_ms) for r in one] == [
        (r.key, r.value, r.headers, r.timestamp_ms) for r in other
    ]


def test_every_field_that_is_written_is_marked_as_leaving() -> None:
    for contract in (Pulse, Portrait, Heartbeat, NoisedMean):
        properties = schema_of(contract, "x")["properties"]
        assert all(field[LEAVES] for field in properties.values()), contract


def test_a_release_is_a_pure_function_of_its_ledger_record() -> None:
    world, records = _released([scored(number) for number in range(20)])
    (block,) = world.blocks()
    again = release_of("hospital-a", block)
    assert (again.key, again.value, again.headers, again.timestamp_ms) == (
        records[0].key,
        records[0].value,
        records[0].headers,
        records[0].timestamp_ms,
    )
    assert release_of("hospital-b", block).headers != again.headers


def test_a_heartbeats_time_is_its_slots_start() -> None:
    record = heartbeat_of("hospital-a", 2, 5_000_000, POLICY)
    assert record.timestamp_ms == 5_000_000 * 300 * 1000
    assert json.loads(record.value or b"") == {
        "kind": "heartbeat",
        "epoch": 2,
        "number": 5_000_000,
        "interval_seconds": 300,
        "k": 0,
        "epsilon": 0,
        "policy_version": "demo-test",
    }


def _lying(record: Outgoing) -> Record:
    return Record(Position(RELEASE, 0, 0), record.key, record.value, record.headers, record.timestamp_ms or 0)


def test_every_field_header_and_time_of_every_kind_of_record_is_one_that_may_leave() -> None:
    for policy in (read_policy(SHIPPED / "demo.yaml"), read_policy(SHIPPED / "default.yaml")):
        for record in example_records(policy).values():
            assert not_leaving(_lying(record), "hospital-example") == []


TOO_MUCH = {
    "a field": lambda r: replace(r, value=(r.value or b"")[:-1] + b',"patient":"9"}'),
    "a field within": lambda r: replace(
        r, value=(r.value or b"").replace(b'"low":', b'"worst":1.0,"low":', 1)
    ),
    "a header": lambda r: replace(r, headers=(*r.headers, ("ce_correlation", b"c"))),
    "a source": lambda r: replace(
        r, headers=tuple((n, b"/pod-7" if n == "ce_source" else v) for n, v in r.headers)
    ),
    "a time": lambda r: replace(r, timestamp_ms=(r.timestamp_ms or 0) + 1),
    "a key": lambda r: replace(r, key=(r.key or b"") + b"-55"),
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_what_may_not_leave_would_be_noticed(what: str) -> None:
    record = example_records(read_policy(SHIPPED / "demo.yaml"))["portrait"]
    assert not_leaving(_lying(TOO_MUCH[what](record)), "hospital-example")
