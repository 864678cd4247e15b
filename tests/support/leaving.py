"""What of a record the schema does not let leave: every field of its value, key, headers and time stamp."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from segwatch.contracts.base import LEAVES
from segwatch.contracts.identity import result_id
from segwatch.contracts.topics import RELEASE
from segwatch.streaming.log import Record

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "site.release.v1.json").read_text())
ALWAYS = {
    "content-type": "application/json",
    "ce_specversion": "1.0",
    "ce_type": RELEASE,
    "ce_source": "/aggregation",
}


def not_leaving(record: Record, site: str) -> list[str]:
    """What is in the record and may not be, or is otherwise than the block's name and coarse date say."""
    value = json.loads(record.value or b"null")
    problems = [
        f"the schema refuses {error.json_path}" for error in Draft202012Validator(SCHEMA).iter_errors(value)
    ]
    problems += [f"{path} may not leave" for path in _unmarked(value, SCHEMA, "value")]
    name = (value["kind"], value["epoch"], value["number"])
    if (record.key or b"").decode() != "-".join(map(str, name)):
        problems.append("the key says more than the block's name")
    moment = _moment(value)
    if record.timestamp_ms != moment.timestamp() * 1000:
        problems.append("the time stamp is not the coarse date's")
    expected = ALWAYS | {
        "ce_id": result_id("aggregation", site, f"{name[1]}/{name[0]}/{name[2]}"),
        "ce_time": moment.isoformat().replace("+00:00", "Z"),
    }
    headers = {header: text.decode() for header, text in record.headers}
    problems += [f"header {each}" for each in headers if headers[each] != expected.get(each)]
    return problems


def _moment(value: dict[str, Any]) -> datetime:
    if value["kind"] == "heartbeat":
        return datetime.fromtimestamp(value["number"] * value["interval_seconds"], tz=UTC)
    return datetime.combine(datetime.fromisoformat(value["closed"]).date(), time.min, tzinfo=UTC)


def _unmarked(value: Any, schema: dict[str, Any], path: str) -> Iterator[str]:
    """Every field below that the schema does not know, or does not mark as leaving."""
    schema = _resolved(value, schema)
    if isinstance(value, dict):
        for name, inner in value.items():
            about = schema.get("properties", {}).get(name)
            if about is None or not about.get(LEAVES):
                yield f"{path}.{name}"
            else:
                yield from _unmarked(inner, about, f"{path}.{name}")
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _unmarked(inner, schema.get("items", {}), f"{path}[{place}]")


def _resolved(value: Any, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema that holds for the value: behind references, and of variants the one that takes it."""
    if "$ref" in schema:
        return _resolved(value, SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[-1]])
    for word in ("oneOf", "anyOf"):
        for variant in schema.get(word, []):
            if Draft202012Validator({**variant, "$defs": SCHEMA["$defs"]}).is_valid(value):
                return _resolved(value, variant)
    return schema
