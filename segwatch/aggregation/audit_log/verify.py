"""`segwatch privacy verify`: whether the audit log's chain is whole, and whether it says what left.

The release topic is read first, the file second and the ledger last, in the order in which they are behind
one another: then a service that goes on working makes no false alarm.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from segwatch.aggregation.audit_log.chain import Alignment, BrokenLine, figures_of, name_of, read_line
from segwatch.aggregation.ledger.fold import Damage, fold
from segwatch.aggregation.ledger.ledger import Ledger
from segwatch.contracts.audit import AuditLine, BlockReleased
from segwatch.contracts.envelope import Headers, decode
from segwatch.contracts.release import Heartbeat
from segwatch.contracts.topics import LEDGER, RELEASE
from segwatch.errors import BadInput, InvalidMessage
from segwatch.streaming.log import Log, Record
from segwatch.streaming.topic_reader import whole_topic

MOST_NAMED = 5
"""Of many problems of one kind the first are named and the rest are counted."""


@dataclass
class Findings:
    """What was found: `problems` mean that something is wrong, `notes` that something is to be known."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def problem(self, what: Sequence[str]) -> None:
        """Problems of one kind."""
        self.problems += what[:MOST_NAMED]
        if len(what) > MOST_NAMED:
            self.problems.append(f"and {len(what) - MOST_NAMED} more of this kind")


@dataclass(frozen=True)
class Left:
    """A block's record in the release topic: where, which, and a hash of all its bytes."""

    offset: int
    id: str
    name: str
    sha256: bytes


def verify(path: Path, log: Log | None, noted: Iterable[str]) -> tuple[list[AuditLine], Findings]:
    """Check the file, and hold it against release topic and ledger where there is a log.

    Raises:
        BadInput: the file cannot be read, or a noted head is none.
        LogUnavailable, LogRefused: the topics cannot be read.
    """
    found = Findings()
    left, strange = released_blocks(whole_topic(log, RELEASE)) if log is not None else ([], 0)
    lines = read_chain(path, found)
    whole = not found.problems
    check_noted(lines, noted, found)
    if log is not None and whole:
        check_releases(lines, left, strange, found)
        check_ledger(lines, whole_topic(log, LEDGER), found)
    return lines, found


def read_chain(path: Path, found: Findings) -> list[AuditLine]:
    """The file's lines up to the first that is broken, which is named.

    Raises:
        BadInput: the file cannot be read.
    """
    lines: list[AuditLine] = []
    try:
        with path.open("rb") as file:
            for text in file:
                if not text.endswith(b"\n"):
                    found.notes.append("the last line is incomplete: it is being written, or a crash tore it")
                    break
                line = read_line(text[:-1], lines[-1] if lines else None)
                if isinstance(line.entry, BlockReleased):
                    figures_of(line.entry)
                lines.append(line)
    except OSError as error:
        raise BadInput(f"the audit log {path} cannot be read: {error.strerror}") from None
    except BrokenLine as error:
        found.problems.append(
            f"line {len(lines) + 1} of the audit log is the first that is broken: {error}; before it,"
            f" {len(lines)} entries are whole"
        )
    return lines


def check_noted(lines: Sequence[AuditLine], noted: Iterable[str], found: Findings) -> None:
    """Whether heads that somebody noted down (`NUMBER:HASH`) lie on the chain.

    Raises:
        BadInput: one is not of that form.
    """
    for head in noted:
        number, _, text = head.partition(":")
        if not number.isdecimal() or not text:
            raise BadInput(f"{head!r} is no NUMBER:HASH, as `segwatch privacy verify` prints it")
        if int(number) >= len(lines):
            found.problems.append(
                f"entry {number} was noted down, and the chain ends with entry {len(lines) - 1}: its end was"
                " cut off"
            )
        elif not lines[int(number)].hash.startswith(text):
            found.problems.append(
                f"entry {number} has another hash than the one noted down: the log was written anew up to it"
            )


def released_blocks(records: Iterable[Record]) -> tuple[list[Left], int]:
    """The blocks in the release topic, copies included; and how many records there are none of ours."""
    found, strange = [], 0
    for record in records:
        try:
            event = decode(RELEASE, record.key, record.value, record.headers)
        except InvalidMessage:
            strange += 1
            continue
        figures = event.data.root
        if not isinstance(figures, Heartbeat):
            name = f"{figures.kind} {figures.number} of epoch {figures.epoch}"
            digest = _digest(record.key, record.value, record.headers, record.timestamp_ms)
            found.append(Left(record.at.offset, event.id, name, digest))
    return found, strange


def check_releases(lines: Sequence[AuditLine], left: Sequence[Left], strange: int, found: Findings) -> None:
    """Whether every block that left is in the log, to the byte."""
    logged = {
        dict(entry.headers).get("ce_id", ""): (_digest_of(entry), name_of(entry))
        for line in lines
        if isinstance(entry := line.entry, BlockReleased)
    }
    unknown = [each for each in left if each.id not in logged]
    other = [each for each in left if each.id in logged and logged[each.id][0] != each.sha256]
    found.problem([f"{each.name} left (offset {each.offset}) and is not in the log" for each in unknown])
    found.problem([f"{each.name} left (offset {each.offset}) with another content" for each in other])
    there = {each.id for each in left}
    gone = [name for id_, (_, name) in logged.items() if id_ not in there]
    if gone:
        found.notes.append(
            f"{len(gone)} blocks of the log are not in the release topic, from {gone[0]} on: they are about"
            " to be sent, or the topic was lost"
        )
    if strange:
        found.notes.append(f"{strange} records in the release topic are no releases: they are not ours")


def check_ledger(lines: Sequence[AuditLine], records: Iterable[Record], found: Findings) -> None:
    """Whether the log's entries are those of the ledger that count, in their order."""
    ledger = Ledger()
    alignment = Alignment(line.entry for line in lines)
    new, against = 0, []
    for step in fold(ledger, records):
        if isinstance(step, Damage):
            found.notes.append(f"the ledger is damaged at offset {step.offset}")
            continue
        known = alignment.take(step.entry)
        new += known is False
        if known is None:
            against.append(f"the ledger's entry at offset {step.offset} is not what the log says")
            ledger.damage()
    found.problem(against)
    if alignment.ahead:
        first = name_of(lines[alignment.ahead[0]].entry)
        found.problems.append(
            f"{len(alignment.ahead)} entries of the log are not in the ledger, from {first} on: the ledger"
            " lost its end, or the log holds what was never decided"
        )
    if alignment.lost:
        found.notes.append(
            f"{len(alignment.lost)} entries of the log were lost from the ledger before a later epoch began"
        )
    if new:
        found.notes.append(f"{new} entries of the ledger are not in the log: they did not leave by this log")


def _digest_of(entry: BlockReleased) -> bytes:
    headers = tuple((name, text.encode()) for name, text in entry.headers)
    return _digest(entry.key.encode(), entry.value.encode(), headers, entry.timestamp_ms)


def _digest(key: bytes | None, value: bytes | None, headers: Headers, timestamp_ms: int) -> bytes:
    return hashlib.sha256(repr((key, value, headers, timestamp_ms)).encode()).digest()
