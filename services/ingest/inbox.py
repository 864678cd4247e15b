"""The entries of the watched folder, and what is left of one that is done with: see `segwatch.ingest`."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from segwatch.files import flush, write_whole
from segwatch.ingest.inbox import ARRIVING, ATTEMPTS, RECEIPTS, REJECTED
from segwatch.volumes.folders import walk

LONGEST_NAME = 200
"""Bytes of an entry's name; a file system takes 255, and receipts and rejected entries add to it."""
Outcome = Literal["announced", "duplicate", "rejected"]
Fingerprint = tuple[tuple[str, int, int], ...]
"""Every file of an entry: path inside it, size, time of last change in ns."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an entry. `study` is its pseudonym; `kind` and `reason` say why it was rejected."""

    case: str
    study: str | None
    outcome: Outcome
    kind: str | None = None
    reason: str | None = None


class Inbox:
    """The folder and its entries. Made where it is missing; methods raise OSError where the disk does."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self._furnish()
        for unfinished in (root / ARRIVING).iterdir():
            unfinished.unlink()  # never acknowledged, so its sender sends it again

    def entries(self) -> dict[str, Fingerprint]:
        """All entries and how they look now. An inbox that was away may come back bare: what it needs is made
        again.
        """
        self._furnish()
        names = [path.name for path in self.root.iterdir() if not path.name.startswith(".")]
        return {name: self.fingerprint(name) for name in names}

    def _furnish(self) -> None:
        for name in (RECEIPTS, REJECTED, ATTEMPTS, ARRIVING):
            (self.root / name).mkdir(exist_ok=True)

    def fingerprint(self, name: str) -> Fingerprint:
        """How the entry looks now; an entry that has gone has no files."""
        top = self.root / name
        if not top.is_dir():
            return tuple(_looks(top, ".")) if top.is_file() else ()
        found: list[tuple[str, int, int]] = []
        for _, files in walk(top):
            for path in files:
                found += _looks(path, str(path.relative_to(top)))
        return tuple(sorted(found))

    def clear(self, name: str, files: Fingerprint) -> None:
        """Remove the entry's files, and nothing that came later: what is left is an entry again."""
        top = self.root / name
        if top.is_symlink() or not top.is_dir():
            top.unlink(missing_ok=True)  # what a link points to is not ours
            return
        for file, _, _ in files:
            (top / file).unlink(missing_ok=True)
        for folder in reversed([folder for folder, _ in walk(top)]):
            if not any(folder.iterdir()):
                folder.rmdir()

    def name_if_rejected(self, name: str) -> str:
        """The name that the entry would have among the rejected: its own, or the next that is free."""
        taken = {path.name for path in (self.root / REJECTED).iterdir()}
        own, number = shortened(name), 1
        while (free := own if number == 1 else f"{own}-{number}") in taken:
            number += 1
        return free

    def reject(self, name: str, rejected: str) -> None:
        """Move the entry out of the way, under a name from `name_if_rejected`."""
        shutil.move(self.root / name, self.root / REJECTED / rejected)

    def leave_receipt(self, receipt: Receipt) -> None:
        """Say what became of an entry, in place of an earlier receipt of that name."""
        path = self.root / RECEIPTS / f"{shortened(receipt.case)}.json"
        write_whole(path, json.dumps(asdict(receipt), indent=1) + "\n")

    def unfinished_attempts(self, name: str) -> int:
        """How many attempts at the entry ended with the process."""
        try:
            return int((self.root / ATTEMPTS / name).read_text())
        except (OSError, ValueError):
            return 0

    def begin_attempt(self, name: str) -> None:
        """From now until `end_attempt` the entry is to blame if the process dies."""
        path = self.root / ATTEMPTS / name
        path.write_text(str(self.unfinished_attempts(name) + 1))
        flush(path.parent)

    def end_attempt(self, name: str) -> None:
        (self.root / ATTEMPTS / name).unlink(missing_ok=True)


def shortened(name: str) -> str:
    """The name; of one that leaves no room for an ending, its beginning in plain letters and a hash."""
    if len(os.fsencode(name)) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    return f"{os.fsencode(name)[: LONGEST_NAME // 2].decode('ascii', 'ignore')}-{digest}"


class Completion:
    """When an entry is complete: DICOM has no sign for it, so it is when nothing changes.

    Remembers since when each entry has looked as it does now.

    Time is this process's own monotonic clock: file times may lie (copied with the files, or another
    machine's). After a restart every entry is watched for the quiet time again.
    """

    def __init__(self, quiet_seconds: float) -> None:
        self._quiet = quiet_seconds
        self._since: dict[str, tuple[Fingerprint, float]] = {}

    def complete(self, entries: Mapping[str, Fingerprint], now: float) -> list[str]:
        """The entries that have been still for the quiet time, sorted by name. Empty ones never are.

        Examples:
            >>> completion, entry = Completion(5), {"case": (("ct.nii.gz", 10, 1),)}
            >>> completion.complete(entry, now=0), completion.complete(entry, now=5)
            ([], ['case'])
        """
        self._since = {
            name: self._since[name] if name in self._since and self._since[name][0] == files else (files, now)
            for name, files in entries.items()
        }
        return sorted(
            name for name, (files, since) in self._since.items() if files and now - since >= self._quiet
        )

    def forget(self, name: str) -> None:
        """Watch the entry for the quiet time again."""
        self._since.pop(name, None)


def _looks(path: Path, name: str) -> list[tuple[str, int, int]]:
    try:
        stat = path.stat()
    except OSError:
        return [(name, -1, 0)]  # a dangling link, or no right to look: reading it will say so
    return [(name, stat.st_size, stat.st_mtime_ns)]
