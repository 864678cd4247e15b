"""Messages keep to CloudEvents and to their schemas; nothing else is read."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given
from hypothesis import strategies as st

from segwatch.contracts.envelope import TYPES, decode, encode
from segwatch.contracts.schemas import file_of
from segwatch.contracts.topics import RECEIVED, RELEASE, SCORED
from segwatch.errors import InvalidMessage
from tests.support.messages import HEARTBEAT, MESSAGES, event_of

SCHEMAS = Path(__file__).parents[3] / "schemas"
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def schema_of(topic: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((SCHEMAS / file_of(topic)).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


@pytest.mark.parametrize("topic", TYPES)
def test_what_is_written_is_read_back_the_same(topic: str):
    event = event_of(topic)
    assert decode(topic, *encode(event)) == event


@pytest.mark.parametrize("topic", TYPES)
def test_what_is_written_keeps_to_the_schema_file(topic: str):
    _, value, _ = encode(event_of(topic))
    schema_of(topic).validate(json.loads(value))


def test_a_heartbeat_keeps_to_the_schema_file():
    schema_of(RELEASE).validate(json.loads(HEARTBEAT.model_dump_json()))


@pytest.mark.parametrize("topic", TYPES)
def test_another_cloudevents_reader_understands_our_records(topic: str):
    event = event_of(topic)
    key, value, headers = encode(event)
    read = from_binary(KafkaMessage(dict(headers), key, value), JSONFormat())
    assert (read.get_id(), read.get_type(), read.get_source()) == (event.id, topic, "/tests")
    assert read.get_data() == json.loads(value)


@pytest.mark.parametrize("topic", TYPES)
def test_a_field_that_the_schema_does_not_name_is_refused(topic: str):
    key, value, headers = encode(event_of(topic))
    more = json.dumps({**json.loads(value), "patient_name": "Jane"}).encode()
    with pytest.raises(InvalidMessage) as refusal:
        decode(topic, key, more, headers)
    assert "patient_name" in str(refusal.value)
    assert "Jane" not in str(refusal.value)
    assert not schema_of(topic).is_valid(json.loads(more))


@given(topic=st.sampled_from(sorted(TYPES)), data=st.data(), value=ANY_JSON)
def test_whatever_stands_in_a_field_the_type_reads_only_what_the_schema_allows(
    topic: str, data: st.DataObject, value: Any
):
    key, good, headers = encode(event_of(topic))
    message = json.loads(good)
    field = data.draw(st.sampled_from(sorted(message)))
    bad = {**message, field: value}
    try:
        decode(topic, key, json.dumps(bad).encode(), headers)
    except InvalidMessage:
        return
    assert schema_of(topic).is_valid(bad)


@given(
    key=st.none() | st.binary(max_size=40),
    value=st.none() | st.binary(max_size=200),
    headers=st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=40)), max_size=8),
)
def test_bytes_that_are_no_message_are_refused_and_nothing_else_happens(key, value, headers):
    with pytest.raises(InvalidMessage):
        decode(RECEIVED, key, value, tuple(headers))


@pytest.mark.parametrize("missing", ["ce_id", "ce_source", "ce_type", "ce_specversion", "ce_time"])
def test_a_message_without_one_of_its_attributes_is_refused(missing: str):
    key, value, headers = encode(event_of(RECEIVED))
    with pytest.raises(InvalidMessage):
        decode(RECEIVED, key, value, tuple(h for h in headers if h[0] != missing))


def test_a_time_without_zone_is_refused():
    key, value, headers = encode(event_of(RECEIVED))
    without = tuple((n, b"2026-11-23T08:00:00" if n == "ce_time" else v) for n, v in headers)
    with pytest.raises(InvalidMessage, match="zone"):
        decode(RECEIVED, key, value, without)


def test_a_message_of_another_type_is_refused():
    with pytest.raises(InvalidMessage, match="not of the type"):
        decode(SCORED, *encode(event_of(RECEIVED)))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_refused(number: str):
    key, value, headers = encode(event_of(SCORED))
    broken = value.replace(b'"predicted_dice":0.8', f'"predicted_dice":{number}'.encode())
    assert broken != value
    with pytest.raises(InvalidMessage):
        decode(SCORED, key, broken, headers)


def test_an_undefined_study_never_has_a_predicted_dice():
    scored = MESSAGES[SCORED].model_dump(mode="json") | {"status": "undefined"}
    key, _, headers = encode(event_of(SCORED))
    with pytest.raises(InvalidMessage, match="undefined"):
        decode(SCORED, key, json.dumps(scored).encode(), headers)


def test_a_reference_whose_key_does_not_carry_its_hash_is_refused():
    received = MESSAGES[RECEIVED].model_dump(mode="json")
    received["ct"]["sha256"] = "cd" + "1" * 62
    key, _, headers = encode(event_of(RECEIVED))
    with pytest.raises(InvalidMessage, match="sha256"):
        decode(RECEIVED, key, json.dumps(received).encode(), headers)


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "objects/ab/../../x.b2"])
def test_a_reference_that_leaves_the_store_is_refused(path: str):
    received = MESSAGES[RECEIVED].model_dump(mode="json")
    received["ct"]["key"] = path
    key, _, headers = encode(event_of(RECEIVED))
    with pytest.raises(InvalidMessage, match=r"ct\.key"):
        decode(RECEIVED, key, json.dumps(received).encode(), headers)


def test_times_are_written_in_utc():
    event = event_of(RECEIVED)
    _, _, headers = encode(event)
    assert dict(headers)["ce_time"] == b"2026-11-23T08:00:00Z"
    assert datetime.fromisoformat(dict(headers)["ce_time"].decode()) == datetime(2026, 11, 23, 8, tzinfo=UTC)
