"""CloudEvents 1.0 in Kafka's binary mode: attributes in headers `ce_…`, the data as the value.

Source: CloudEvents Kafka Protocol Binding 1.0.2, section 3.2; read and written with the `cloudevents` SDK.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, to_binary
from cloudevents.core.exceptions import BaseCloudEventException
from cloudevents.core.formats.base import Format
from cloudevents.core.v1.event import CloudEvent
from pydantic import BaseModel, ValidationError

from segwatch.contracts.decisions import SiteDecision
from segwatch.contracts.excess import SiteExcess
from segwatch.contracts.ledger import LedgerRecord
from segwatch.contracts.release import SiteRelease
from segwatch.contracts.scorer_decisions import ScorerDecision
from segwatch.contracts.studies import StudyMeasured, StudyReceived, StudyScored, StudySegmented
from segwatch.contracts.topics import (
    DECISIONS,
    EXCESS,
    LEDGER,
    MEASURED,
    RECEIVED,
    RELEASE,
    SCORED,
    SCORER_DECISIONS,
    SEGMENTED,
)
from segwatch.errors import InvalidMessage, in_one_line

TYPES: Mapping[str, type[BaseModel]] = {
    RECEIVED: StudyReceived,
    SEGMENTED: StudySegmented,
    MEASURED: StudyMeasured,
    SCORED: StudyScored,
    LEDGER: LedgerRecord,
    RELEASE: SiteRelease,
    DECISIONS: SiteDecision,
    SCORER_DECISIONS: ScorerDecision,
    EXCESS: SiteExcess,
}
"""The type of each topic's messages. The event type of a message is its topic's name in the hospital."""

Headers = tuple[tuple[str, bytes], ...]
Data = TypeVar("Data", bound=BaseModel)
Result = TypeVar("Result", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Event(Generic[Data]):
    """A message of a known type, before it is written or after it was read.

    Attributes:
        id: deterministic (`segwatch.contracts.identity`); a second copy bears the same.
        type: the event's type, which is its topic's name in the hospital.
        key: what the log partitions by: the study's pseudonym, or the block's name.
        source: who made it, as a URI reference (`/segmentation`).
        time: when it was made, with a zone. Coarse where it leaves the hospital.
        correlation: the same on all messages of a study's way; absent where the record leaves.
        extensions: other CloudEvents attributes, by name.
    """

    id: str
    type: str
    key: str
    source: str
    time: datetime
    data: Data
    correlation: str | None = None
    extensions: Mapping[str, str] = field(default_factory=dict)

    def answered(self, stage: str, id_: str, type_: str, data: Result, time: datetime) -> "Event[Result]":
        """The message that a stage makes of this one: about the same study, on the same study's way."""
        return Event(id_, type_, self.key, f"/{stage}", time, data, self.correlation)


class _ContractFormat(Format):
    """Leaves data as they are: pydantic writes and reads them, in one pass and strictly."""

    def write_data(self, data: Any, datacontenttype: str | None) -> bytes:  # noqa: ANN401 - the SDK's signature
        return bytes(data)

    def read_data(self, body: str | bytes, datacontenttype: str | None) -> bytes:
        return body.encode() if isinstance(body, str) else body

    def write(self, event: BaseCloudEvent) -> bytes:
        raise InvalidMessage("only CloudEvents' binary mode is written")

    def read(self, event_factory: Any, data: str | bytes) -> BaseCloudEvent:  # noqa: ANN401 - the SDK's signature
        raise InvalidMessage("only CloudEvents' binary mode is read")

    def get_content_type(self) -> str:
        return "application/json"


_FORMAT = _ContractFormat()
_REQUIRED = frozenset({"ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time"})
_CORE = frozenset(
    {"specversion", "id", "type", "source", "time", "datacontenttype", "partitionkey", "correlation"}
)


def utc_now() -> datetime:
    """The time that a message is made, as services tell it."""
    return datetime.now(UTC)


def encode(event: Event[Any]) -> tuple[bytes, bytes, Headers]:
    """Key, value and headers of the record that carries the event."""
    attributes = {
        "specversion": "1.0",
        "id": event.id,
        "type": event.type,
        "source": event.source,
        "time": event.time.astimezone(UTC),
        "datacontenttype": "application/json",
        **({"correlation": event.correlation} if event.correlation else {}),
        **event.extensions,
    }
    carried = CloudEvent(attributes, event.data.model_dump_json().encode())
    message = to_binary(carried, _FORMAT)
    return event.key.encode(), message.value, tuple(message.headers.items())


def decode(expected: str, key: bytes | None, value: bytes | None, headers: Headers) -> Event[Any]:
    """The event that a record of the type `expected` carries.

    Raises:
        InvalidMessage: with what is wrong and where, never with the message's content.
    """
    if value is None:
        raise InvalidMessage("the record has no value")
    # The SDK would invent an id and a time of its own where they are missing.
    missing = _REQUIRED - {name.lower() for name, _ in headers}
    if missing:
        raise InvalidMessage(f"CloudEvents attributes are missing: {', '.join(sorted(missing))}")
    try:
        carried = from_binary(KafkaMessage(dict(headers), key, value), _FORMAT)
    except (BaseCloudEventException, ValueError, TypeError, OverflowError) as error:
        raise InvalidMessage(f"not a CloudEvent in binary mode: {in_one_line(error)}") from None
    attributes = carried.get_attributes()
    if attributes["specversion"] != "1.0" or attributes["type"] != expected:
        raise InvalidMessage(f"the event is not of the type {expected}, CloudEvents 1.0")
    time = attributes.get("time")
    if not isinstance(time, datetime) or time.tzinfo is None:
        raise InvalidMessage("the attribute time is missing or has no zone")
    return Event(
        id=attributes["id"],
        type=expected,
        key=attributes.get("partitionkey") or "",
        source=attributes["source"],
        time=time,
        data=data_of(expected, value),
        correlation=attributes.get("correlation"),
        extensions={name: str(text) for name, text in attributes.items() if name not in _CORE},
    )


def data_of(expected: str, value: bytes | None) -> Any:  # noqa: ANN401 - the contract of that type
    """What the value of a record of the type `expected` says, whatever its headers; raises as `decode`."""
    if value is None:
        raise InvalidMessage("the record has no value")
    try:
        return TYPES[expected].model_validate_json(value)
    except ValidationError as error:
        raise InvalidMessage(describe(error)) from None


def describe(error: ValidationError, most: int = 5) -> str:
    """Where a message or file breaks its schema, field by field, without the values that stand there."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [f"{'.'.join(map(str, p['loc'])) or 'message'}: {p['msg']}" for p in problems[:most]]
    more = len(problems) - most
    return "; ".join(lines) + (f"; and {more} more" if more > 0 else "")
