"""The audit log's chain, as a pure function of the ledger: line n is made of line n-1's hash and of entry n.

Its entries are those of the ledger's that count, in their order, a block's with the record that releases it
in place of its studies. So the log can be made again from the ledger, and two writers write the same bytes.
"""

import hashlib
import json
from collections import deque
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from segwatch.aggregation.ledger.ledger import Entry
from segwatch.aggregation.mechanism.release import release_of
from segwatch.contracts.audit import AuditEntry, AuditLine, BlockReleased
from segwatch.contracts.envelope import describe
from segwatch.contracts.ledger import BlockClosed, EpochOpened
from segwatch.contracts.release import Heartbeat, Portrait, Pulse, SiteRelease

GENESIS = "0" * 64
"""What the first line continues from."""


class BrokenLine(Exception):
    """A line is no entry of an audit log, or does not continue the one before it; the message says how."""


def audit_entry(site: str, entry: Entry) -> AuditEntry:
    """What the audit log says of a ledger's entry."""
    if not isinstance(entry, BlockClosed):
        return entry
    record = release_of(site, entry)
    return BlockReleased(
        kind="block",
        closed_at=entry.closed_at,
        key=(record.key or b"").decode(),
        value=(record.value or b"").decode(),
        headers=tuple((name, text.decode()) for name, text in record.headers),
        timestamp_ms=record.timestamp_ms or 0,
    )


def next_line(entry: AuditEntry, before: AuditLine | None) -> AuditLine:
    """The line that carries the entry behind `before`."""
    n, previous = (0, GENESIS) if before is None else (before.n + 1, before.hash)
    line = AuditLine(n=n, previous=previous, entry=entry, hash=GENESIS)
    return line.model_copy(update={"hash": _hash(line.model_dump(mode="json"))})


def written(line: AuditLine) -> bytes:
    """The line as it stands in the file, with its end."""
    return _canonical(line.model_dump(mode="json")) + b"\n"


def read_line(text: bytes, before: AuditLine | None) -> AuditLine:
    """The line that stands behind `before`.

    Raises:
        BrokenLine: it was changed, or lines before it were changed, taken away, put in or moved.
    """
    try:
        line = AuditLine.model_validate_json(text)
    except ValidationError as error:
        raise BrokenLine(f"it is no line of an audit log: {describe(error)}") from None
    fields = json.loads(text)
    if _canonical(fields) != text or _hash(fields) != line.hash:
        raise BrokenLine("it was changed: its content does not have the hash that it bears")
    n, previous = (0, GENESIS) if before is None else (before.n + 1, before.hash)
    if line.n > n:
        raise BrokenLine(f"it is number {line.n}: numbers {n} to {line.n - 1} were taken away or moved")
    if line.n < n:
        raise BrokenLine(f"it is number {line.n}, which stands before it: it was put in or moved")
    if line.previous != previous:
        raise BrokenLine("it continues from another line than the one before it, which was changed or put in")
    return line


def name_of(entry: AuditEntry) -> str:
    """What an entry is called, for people."""
    if isinstance(entry, EpochOpened):
        return f"the opening of epoch {entry.epoch}"
    if isinstance(entry, BlockReleased):
        figures = figures_of(entry)
        return f"{figures.kind} {figures.number} of epoch {figures.epoch}"
    return f"the change to policy {entry.policy.version} in epoch {entry.epoch}"


def figures_of(block: BlockReleased) -> Pulse | Portrait:
    """The figures in a block's record.

    Raises:
        BrokenLine: the record is no block's.
    """
    try:
        figures = SiteRelease.model_validate_json(block.value).root
    except ValidationError as error:
        raise BrokenLine(f"the record in it is no release: {describe(error)}") from None
    if isinstance(figures, Heartbeat):
        raise BrokenLine("the record in it is a heartbeat, not a block")
    return figures


class Alignment:
    """Holds the ledger's entries, one after the other, against those that an audit log has already.

    The log never has an entry that the ledger had not: it is written behind it. So what the log has and the
    ledger has not was lost from the ledger, and then only a new epoch may follow.

    Attributes:
        highest_epoch: of all that the log names.
    """

    def __init__(self, entries: Iterable[AuditEntry] = ()) -> None:
        self.highest_epoch = 0
        self._ahead: deque[tuple[int, bytes]] = deque()
        self.lost: list[int] = []
        """Numbers of the log's entries that the ledger no longer had when a later epoch was opened."""
        self._taken = 0
        self.extend(entries)

    def extend(self, entries: Iterable[AuditEntry]) -> None:
        """More entries of the log."""
        for entry in entries:
            self._ahead.append((self._taken, mark_of(entry)))
            self._taken += 1
            if isinstance(entry, EpochOpened):
                self.highest_epoch = max(self.highest_epoch, entry.epoch)

    @property
    def ahead(self) -> tuple[int, ...]:
        """Numbers of the log's entries that the ledger has not shown yet."""
        return tuple(number for number, _ in self._ahead)

    def take(self, entry: Entry) -> bool | None:
        """The ledger's next entry: True if the log has it, False if it is new, None if they contradict."""
        mark = mark_of(entry)
        if self._ahead and self._ahead[0][1] == mark:
            self._ahead.popleft()
            return True
        if isinstance(entry, EpochOpened):
            return self._after_a_loss(entry, mark)
        return None if self._ahead else False

    def _after_a_loss(self, entry: EpochOpened, mark: bytes) -> bool | None:
        there = any(mark == other for _, other in self._ahead)
        if not there and entry.epoch <= self.highest_epoch:
            return None
        self.highest_epoch = max(self.highest_epoch, entry.epoch)
        while self._ahead:
            number, other = self._ahead.popleft()
            if other == mark:
                return True
            self.lost.append(number)
        return False


def mark_of(entry: AuditEntry | Entry) -> bytes:
    """What two accounts of one entry have in common, whatever version of segwatch wrote them."""
    if isinstance(entry, BlockClosed):
        text = entry.figures.model_dump_json()
    elif isinstance(entry, BlockReleased):
        text = figures_of(entry).model_dump_json()
    else:
        text = entry.model_dump_json()
    return hashlib.sha256(text.encode()).digest()


def _hash(fields: dict[str, Any]) -> str:
    return hashlib.sha256(_canonical({k: v for k, v in fields.items() if k != "hash"})).hexdigest()


def _canonical(fields: dict[str, Any]) -> bytes:
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()
