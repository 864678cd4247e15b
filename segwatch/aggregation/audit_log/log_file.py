"""The audit log's file: appended to before anything is released, by one process at a time.

Every line is flushed to the disk before the block that it tells of is sent, so what left is in the log; a
crash between the two leaves a block that is sent at the next start. The file is made again from the ledger
where it is missing.
"""

import fcntl
import logging
import os
import shutil
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from segwatch.aggregation.audit_log.chain import (
    Alignment,
    BrokenLine,
    audit_entry,
    mark_of,
    next_line,
    read_line,
    written,
)
from segwatch.aggregation.ledger.ledger import Entry
from segwatch.contracts.audit import AuditEntry, AuditLine
from segwatch.errors import AuditUnavailable, BadInput

LOCK_SECONDS = 5.0
"""Another process holds the file for the milliseconds of a write; longer only where it was stopped."""
LOCK_RETRY_SECONDS = 0.05
ROOM_BYTES = 2**20
"""A block's line has some hundred bytes; what is left of the disk below this is gone to others at once."""
_log = logging.getLogger(__name__)


def has_room(path: Path) -> bool:
    """Whether the log at `path` could take the next lines now: without it nothing leaves."""
    try:
        return shutil.disk_usage(path.parent).free >= ROOM_BYTES and os.access(path.parent, os.W_OK)
    except OSError:
        return False


class AuditDisagrees(Exception):
    """The file is not what it was when it was read, or another process wrote something else."""


@dataclass(frozen=True)
class _FileState:
    """How far the file was read: which file, its bytes, and its last line."""

    device: int
    inode: int
    size: int
    last: AuditLine | None


class AuditLog:
    """One site's audit log. Call `open` first, then `take` for every entry of the ledger that counts."""

    def __init__(self, path: Path, site: str) -> None:
        self._path = path
        self._site = site
        self._alignment = Alignment()
        self._pending: deque[AuditEntry] = deque()
        self._seen = _FileState(0, 0, 0, None)

    @property
    def highest_epoch(self) -> int:
        """Of all that the file names; 0 where it is empty."""
        return self._alignment.highest_epoch

    @property
    def has_more(self) -> bool:
        """Whether the file holds entries that the ledger has not shown."""
        return bool(self._alignment.ahead)

    @property
    def pending(self) -> int:
        """How many entries were taken that are not written yet."""
        return len(self._pending)

    def open(self) -> None:
        """Read the file, which may be empty, and check its chain.

        Raises:
            BadInput: the chain is broken, or the file cannot be made.
            AuditUnavailable: try again later.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._locked() as file:
                self._seen = _seen(file, 0, None)
                self._alignment = Alignment(self._read_on(file))
        except OSError as error:
            raise BadInput(
                f"SEGWATCH_AUDIT_LOG: {self._path} cannot be opened ({error.strerror}): nothing may leave"
                " without being logged; name a file in a folder that can be written and is kept"
            ) from None
        self._pending.clear()

    def take(self, entry: Entry) -> bool:
        """The next entry of the ledger that counts; False where it contradicts what the file holds."""
        known = self._alignment.take(entry)
        if known is False:
            self._pending.append(audit_entry(self._site, entry))
        return known is not None

    def write(self) -> AuditLine | None:
        """Append what is new, and wait until the disk has it; the last line that was appended.

        Raises:
            AuditUnavailable: try again later; nothing is skipped.
            AuditDisagrees: read everything anew.
        """
        if not self._pending:
            return None
        try:
            with self._locked() as file:
                self._check_same(file)
                self._meet(deque(self._read_on(file)))
                return self._append(file)
        except OSError as error:
            raise AuditUnavailable(
                f"the audit log {self._path} cannot be written: {error.strerror}; nothing leaves until it can"
            ) from None

    def _meet(self, others: deque[AuditEntry]) -> None:
        """What another process has appended meanwhile must be what we were about to."""
        while others and self._pending:
            if mark_of(others.popleft()) != mark_of(self._pending[0]):
                raise AuditDisagrees("another process wrote other entries into the audit log")
            self._pending.popleft()
        self._alignment.extend(others)

    def _append(self, file: BinaryIO) -> AuditLine | None:
        last, lines = self._seen.last, []
        for entry in self._pending:
            last = next_line(entry, last)
            lines.append(written(last))
        if not lines:
            return None
        data = b"".join(lines)
        try:
            _write_all(file.fileno(), data, self._seen.size)
            os.fsync(file.fileno())
        except OSError:
            os.ftruncate(file.fileno(), self._seen.size)  # half a line, on a full disk
            raise
        self._pending.clear()
        self._seen = _seen(file, self._seen.size + len(data), last)
        return last

    def _read_on(self, file: BinaryIO) -> Iterator[AuditEntry]:
        """The entries behind what was read; what a crash left of a line is cut off."""
        file.seek(self._seen.size)
        for text in file:
            last = self._seen.last
            if not text.endswith(b"\n"):
                _log.warning("half a line at the end of the audit log, from a crash, is taken away")
                os.ftruncate(file.fileno(), self._seen.size)
                return
            try:
                line = read_line(text[:-1], last)
            except BrokenLine as error:
                number = 1 if last is None else last.n + 2
                raise BadInput(
                    f"the audit log {self._path} is broken in line {number}: {error}; nothing may leave. Keep"
                    " the file for your data protection officer (`segwatch privacy verify`) and move it away:"
                    " a new one is made from the ledger"
                ) from None
            self._seen = _seen(file, self._seen.size + len(text), line)
            yield line.entry

    def _check_same(self, file: BinaryIO) -> None:
        now, last = os.fstat(file.fileno()), self._seen.last
        same = (now.st_dev, now.st_ino) == (self._seen.device, self._seen.inode)
        if same and now.st_size >= self._seen.size:
            end = written(last) if last is not None else b""
            file.seek(self._seen.size - len(end))
            same = file.read(len(end)) == end
        else:
            same = False
        if not same:
            raise AuditDisagrees("the audit log was replaced, cut or changed")

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        """The file, made where it is missing, for us alone.

        Raises:
            AuditUnavailable: another process has it for longer than a write takes.
        """
        new = not self._path.exists()
        with os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o640), "r+b") as file:
            if new:
                _flush_folder(self._path.parent)
            until = time.monotonic() + LOCK_SECONDS
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        raise AuditUnavailable(
                            f"another process holds the audit log {self._path}: does aggregation run twice?"
                        ) from None
                    time.sleep(LOCK_RETRY_SECONDS)
            yield file


def _seen(file: BinaryIO, size: int, last: AuditLine | None) -> _FileState:
    about = os.fstat(file.fileno())
    return _FileState(about.st_dev, about.st_ino, size, last)


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    while data:
        done = os.pwrite(descriptor, data, offset)
        data, offset = data[done:], offset + done


def _flush_folder(folder: Path) -> None:
    """A new file's name is on the disk only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
