"""Dead letters: records that can never be processed, kept whole, with why; read and replayed by hand.

A letter lies in `<topic>.dlq`: the original's key, value and headers, and headers `dlq_…` beside them.
"""

import hashlib
import json
import os
from datetime import UTC, datetime

from segwatch.contracts.envelope import Headers
from segwatch.contracts.identity import ID_LENGTH, digest_of
from segwatch.contracts.topics import dead_letters
from segwatch.streaming.log import Outgoing, Position, Record

REPLAY_FOR = "ce_replayfor"
"""CloudEvents extension of a replayed record: the one stage that is to read it. All others skip it."""
MARK = "dlq_"


def dead_letter(record: Record, stage: str, kind: str, reason: str, attempts: int) -> Outgoing:
    """The letter for a record. Its id is made of stage and record, so that a second copy bears the same."""
    at = record.at
    content = hashlib.sha256(record.value or b"").hexdigest()
    name = digest_of([stage, at.topic, at.partition, at.offset, content])
    empty = record.key is None and record.value is None  # Kafka takes such a record, kafka-python sends none
    return Outgoing(
        topic=dead_letters(at.topic),
        key=record.key,
        value=b"" if empty else record.value,
        headers=(*record.headers, *_marks(name, at, stage, kind, reason, attempts)),
    )


def dead_letter_of_input(
    entry: str, content: str, origin: str, topic: str, stage: str, kind: str, reason: str, attempts: int = 1
) -> Outgoing:
    """The letter for an input that a stage rejects before it is a record: it says which, and carries nothing
    of what is in it. Its id is made of stage and input, so that a second copy bears the same.

    Args:
        entry: the input's name.
        content: of the input as it lay there: another one for an input of the same name that comes again,
            the same one after a crash.
        origin: where it came from, in place of a topic; `replay` knows the way back by it.
        topic: that its record would have gone to.
        stage: that rejects it.
        kind, reason: why, for metrics and for people.
        attempts: how often it was tried.
    """
    name = digest_of([stage, entry, content])
    return Outgoing(
        topic=dead_letters(topic),
        key=os.fsencode(entry),  # a name that is no UTF-8 has its own bytes
        value=json.dumps({"entry": entry}).encode(),
        headers=_marks(name, Position(origin, 0, 0), stage, kind, reason, attempts),
    )


def is_for_another(record: Record, stage: str) -> bool:
    """Whether the record was replayed for another stage than this one."""
    return any(name == REPLAY_FOR and value != stage.encode() for name, value in record.headers)


def now() -> str:
    """The time as dead letters and their markers bear it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _marks(name: str, at: Position, stage: str, kind: str, reason: str, attempts: int) -> Headers:
    marks = {
        "id": name[:ID_LENGTH],
        "stage": stage,
        "error": kind,
        "reason": reason,
        "topic": at.topic,
        "partition": str(at.partition),
        "offset": str(at.offset),
        "attempts": str(attempts),
        "time": now(),
    }
    return tuple((f"{MARK}{mark}", text.encode()) for mark, text in marks.items())
