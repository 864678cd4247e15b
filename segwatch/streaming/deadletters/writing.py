"""Dead letters: records that can never be processed, kept whole, with why; read and replayed by hand.

A letter lies in `<topic>.dlq`: the original's key, value and headers, and headers `dlq_…` beside them.
"""

import hashlib
import json
import os
import time
from datetime import UTC, datetime

from segwatch.contracts.identity import ID_LENGTH, digest_of
from segwatch.contracts.topics import RECEIVED, dead_letters
from segwatch.streaming.log import Outgoing, Record

REPLAY_FOR = "ce_replayfor"
"""CloudEvents extension of a replayed record: the one stage that is to read it. All others skip it."""
MARK = "dlq_"
INBOX = "inbox"
"""The origin of letters from ingest: no record, but an entry of the watched folder."""
INGEST = "ingest"


def dead_letter(record: Record, stage: str, kind: str, reason: str, attempts: int) -> Outgoing:
    """The letter for a record. Its id is made of stage and record, so that a second copy bears the same."""
    at = record.at
    content = hashlib.sha256(record.value or b"").hexdigest()
    marks = {
        "id": digest_of([stage, at.topic, at.partition, at.offset, content])[:ID_LENGTH],
        "stage": stage,
        "error": kind,
        "reason": reason,
        "topic": at.topic,
        "partition": str(at.partition),
        "offset": str(at.offset),
        "attempts": str(attempts),
        "time": _now(),
    }
    empty = record.key is None and record.value is None  # Kafka takes such a record, kafka-python sends none
    return Outgoing(
        topic=dead_letters(at.topic),
        key=record.key,
        value=b"" if empty else record.value,
        headers=(*record.headers, *marked(marks)),
    )


def dead_letter_of_input(entry: str, kind: str, reason: str, attempts: int = 1) -> Outgoing:
    """The letter for an inbox entry that ingest rejects: it says which, and carries nothing of what is in it.

    Every rejection makes a letter of its own, since an entry of the same name may come again.
    """
    marks = {
        "id": digest_of([INGEST, entry, time.time_ns()])[:ID_LENGTH],
        "stage": INGEST,
        "error": kind,
        "reason": reason,
        "topic": INBOX,
        "partition": "0",
        "offset": "0",
        "attempts": str(attempts),
        "time": _now(),
    }
    return Outgoing(
        topic=dead_letters(RECEIVED),
        key=os.fsencode(entry),  # a name that is no UTF-8 has its own bytes
        value=json.dumps({"entry": entry}).encode(),
        headers=marked(marks),
    )


def is_for_another(record: Record, stage: str) -> bool:
    """Whether the record was replayed for another stage than this one."""
    return any(name == REPLAY_FOR and value != stage.encode() for name, value in record.headers)


def marked(marks: dict[str, str]) -> tuple[tuple[str, bytes], ...]:
    """The marks as headers."""
    return tuple((f"{MARK}{name}", text.encode()) for name, text in marks.items())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
