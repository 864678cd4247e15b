"""One study's whole way on real brokers, and what of it is left to see at the centre."""

import json
import re
from datetime import UTC, datetime

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.judge.site_view import WATCHED
from deploy.local.kafka.log_address import LogAddress
from deploy.local.machine.loopback_http import request
from segwatch.aggregation.audit_log.verify import verify
from segwatch.contracts.envelope import decode
from segwatch.contracts.topics import LEDGER, MEASURED, RECEIVED, RELEASE, SCORED, SEGMENTED, at_the_centre
from segwatch.streaming.kafka.options import connection
from segwatch.streaming.log import Position, Record
from tests.support.leaving import not_leaving
from tests.support.one_pulse import SITE, STUDIES, name_of
from tests.support.streaming import eventually

pytestmark = [pytest.mark.broker, pytest.mark.slow]

STUDY_TOPICS = (RECEIVED, SEGMENTED, MEASURED, SCORED)
LONG_NUMBER = re.compile(r"-?\d+\.\d{4,}(?:e-?\d+)?")
"""Digits enough that they could only come from one study."""


def everything_at(address: LogAddress) -> list[dict]:
    """Every record of every topic that the broker has, its own included, as it lies there."""
    options = connection(address.settings)
    admin = KafkaAdminClient(**options)
    topics = admin.list_topics()
    admin.close()
    consumer = KafkaConsumer(auto_offset_reset="earliest", enable_auto_commit=False, **options)
    partitions = [TopicPartition(t, p) for t in topics for p in consumer.partitions_for_topic(t) or ()]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = consumer.end_offsets(partitions)
    found: list[dict] = []
    while any(consumer.position(partition) < end for partition, end in ends.items()):
        for records in consumer.poll(timeout_ms=500).values():
            found += [
                {
                    "topic": record.topic,
                    "key": record.key or b"",
                    "value": record.value or b"",
                    "headers": record.headers,
                    "timestamp": record.timestamp,
                }
                for record in records
            ]
    consumer.close()
    return found


@pytest.fixture(scope="module")
def inside(ended_run):
    """Every record of the hospital, by topic."""
    records: dict[str, list[dict]] = {topic: [] for topic in WATCHED}
    for record in everything_at(ended_run.stack.hospitals[0].log_address):
        if record["topic"] in records:
            records[record["topic"]].append(record)
    return records


@pytest.fixture(scope="module")
def outside(ended_run):
    """Every record of the centre."""
    return everything_at(ended_run.stack.centre.log_address)


def events(records):
    return [decode(r["topic"], r["key"], r["value"], tuple(r["headers"])) for r in records]


def metrics(ended_run) -> dict[str, float]:
    """The federation's figures about the hospital."""
    status, body = request(ended_run.stack.centre.federation.port, "/metrics")
    assert status == 200
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
        if sample.labels == {"site": SITE}
    }


def test_a_study_passes_every_stage_once_under_one_correlation(ended_run, inside):
    study = ended_run.site.receipts[name_of(7)].study
    way = [[event for event in events(inside[topic]) if event.key == study] for topic in STUDY_TOPICS]
    assert [len({event.id for event in stage}) for stage in way] == [1, 1, 1, 1]
    assert len({event.correlation for stage in way for event in stage}) == 1


def test_the_studys_pulse_is_released_as_its_ledger_says_and_arrives_so(ended_run, inside, outside):
    (block,) = [
        entry
        for event in events(inside[LEDGER])
        if (entry := event.data.root).kind == "block" and entry.figures.kind == "pulse"
    ]
    study = ended_run.site.receipts[name_of(7)].study
    assert study in {entry.study for entry in block.studies}
    figures = block.figures.model_dump_json().encode()
    assert figures in [record["value"] for record in inside[RELEASE]]
    assert figures in [record["value"] for record in outside]


def test_the_centres_metrics_show_the_pulse(ended_run):
    eventually(lambda: metrics(ended_run).get("segwatch_federation_pulses") == 1, 30)
    shown = metrics(ended_run)
    assert shown["segwatch_federation_window_studies"] == STUDIES
    assert 0 <= shown["segwatch_federation_needs_attention_ratio"] <= 1


def test_the_centre_has_the_release_topic_and_its_own_bookkeeping_only(outside):
    topics = {record["topic"] for record in outside}
    assert {topic for topic in topics if not topic.startswith("__")} == {at_the_centre(SITE)}


def test_nothing_at_the_centre_names_a_study_a_patient_or_a_file(ended_run, inside, outside):
    names = set(ended_run.identifiers)
    for event in [event for topic in STUDY_TOPICS for event in events(inside[topic])]:
        names |= {event.id, event.key, event.data.study, event.data.patient, event.correlation}
        names |= set(re.findall(r"[0-9a-f]{64}", event.data.model_dump_json()))
    # Which model and which scorer made the masks may leave: the policy of the demonstration says so.
    names -= {event.data.scorer.sha256 for event in events(inside[SCORED])}
    assert len(names) > 10 * STUDIES
    for record in outside:
        seen = b"\n".join(
            [record["key"], record["value"], *(b"%s=%s" % (n.encode(), v) for n, v in record["headers"])]
        )
        assert not [name for name in names if name.encode() in seen], record["topic"]


def test_no_number_of_a_single_study_is_at_the_centre(inside, outside):
    numbers = {
        number
        for topic in (MEASURED, SCORED)
        for record in inside[topic]
        for number in LONG_NUMBER.findall(record["value"].decode())
    }
    assert len(numbers) > STUDIES
    for record in outside:
        assert not numbers & set(LONG_NUMBER.findall(record["value"].decode(errors="replace")))


def test_what_is_at_the_centre_is_releases_of_blocks_and_heartbeats(outside):
    kinds = set()
    for record in outside:
        if record["topic"] == at_the_centre(SITE):
            event = decode(RELEASE, record["key"], record["value"], tuple(record["headers"]))
            kinds.add(event.data.root.kind)
            assert event.data.root.k in (0, STUDIES)
            assert event.correlation is None
            assert event.key == f"{event.data.root.kind}-{event.data.root.epoch}-{event.data.root.number}"
    assert kinds == {"pulse", "heartbeat"}


def test_no_record_at_the_centre_holds_anything_that_the_schema_does_not_let_leave(outside):
    records = [record for record in outside if record["topic"] == at_the_centre(SITE)]
    assert records
    for record in records:
        at = Position(RELEASE, 0, 0)
        lying = Record(at, record["key"], record["value"], tuple(record["headers"]), record["timestamp"])
        assert not_leaving(lying, SITE) == []


def test_the_hospitals_audit_log_says_what_the_centre_has(ended_run, outside):
    hospital = ended_run.stack.hospitals[0]
    with hospital.log_address.open() as log:
        lines, found = verify(hospital.folder / "audit.jsonl", log, ())
    assert found.problems == []
    logged = {line.entry.value.encode() for line in lines if line.entry.kind == "block"}
    blocks = {r["value"] for r in outside if r["topic"] == at_the_centre(SITE) and b'"closed"' in r["value"]}
    assert logged == blocks


def test_times_at_the_centre_are_those_of_days_and_heartbeat_slots(outside):
    for record in outside:
        if record["topic"] != at_the_centre(SITE):
            continue
        figures = json.loads(record["value"])
        event = decode(RELEASE, record["key"], record["value"], tuple(record["headers"]))
        at = datetime.fromtimestamp(record["timestamp"] / 1000, tz=UTC)
        assert event.time == at
        if figures["kind"] == "heartbeat":
            assert record["timestamp"] == figures["number"] * figures["interval_seconds"] * 1000
        else:
            assert at.strftime("%Y-%m-%dT%H:%M:%S.%f") == f"{figures['closed']}T00:00:00.000000"
