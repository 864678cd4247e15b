"""The entries of the watched folder, and what is left of one that is done with: see `segwatch.ingest`."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from segwatch.contracts.identity import digest_of
from segwatch.files import flush, write_whole
from segwatch.ingest.inbox import (
    ANNOUNCED,
    ARRIVING,
    ASIDE,
    ATTEMPTS,
    CARRIED,
    RECEIPTS,
    REJECTED,
)
from segwatch.volumes.folders import walk

LONGEST_NAME = 200
"""Bytes of an entry's name; a file system takes 255, and receipts and rejected entries add to it."""
FILE_SYSTEMS = frozenset(
    {
        "lost+found",
        "@eaDir",
        "#recycle",
        "$RECYCLE.BIN",
        "System Volume Information",
        "Thumbs.db",
        "desktop.ini",
    }
)
"""What disks and file servers (ext4, Synology, Windows) put into a folder for themselves. No entries."""
Outcome = Literal["announced", "new_version", "duplicate", "set_aside", "rejected"]
Fingerprint = tuple[tuple[str, int, int], ...]
"""Every file of an entry: path inside it, size, time of last change in ns. What has brought images of it over
the network and has not ended well stands among them too, under `.open/`."""


@dataclass(frozen=True, slots=True)
class SeriesReceipt:
    """What became of one series of an examination: by which rule, and how many images it has."""

    rule: str
    verdict: str
    images: int
    study: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an entry. `study` is its pseudonym; `kind` and `reason` say why it was rejected.

    An entry of several studies has one receipt: the first study's, or that of the first that was rejected.
    """

    case: str
    study: str | None
    outcome: Outcome
    kind: str | None = None
    reason: str | None = None
    version: int = 1
    incomplete: str | None = None
    series: tuple[SeriesReceipt, ...] = ()


class Inbox:
    """The folder and its entries. Made where it is missing; methods raise OSError where the disk does."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self._furnish()

    def entries(self) -> dict[str, Fingerprint]:
        """All entries and how they look now. An inbox that was away may come back bare: what it needs is made
        again.
        """
        self._furnish()
        found = {path.name for path in self.root.iterdir() if not path.name.startswith(".")}
        names = found - FILE_SYSTEMS
        return {name: self.fingerprint(name) for name in names}

    def _furnish(self) -> None:
        for name in (RECEIPTS, REJECTED, ATTEMPTS, ARRIVING, CARRIED, ANNOUNCED, ASIDE):
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
        for path in self.carriers(name):
            found += _looks(path, f"{CARRIED}/{path.name}")
        return tuple(sorted(found))

    def content(self, name: str, files: Iterable[Path] = ()) -> str:
        """What an entry, or some files of it, is told by from all that ever bore its name.

        A crash changes nothing of it; an entry that is put back, or comes again, is another. Of files, those
        count that lie in it: what a version before has brought lies elsewhere.
        """
        top = self.root / name
        stat = top.lstat()
        inside = sorted(path for path in files if path.is_relative_to(top))
        looks = [_looks(path, str(path.relative_to(top))) for path in inside]
        return digest_of([looks or self.fingerprint(name), stat.st_ino, stat.st_ctime_ns])

    def carriers(self, name: str) -> list[Path]:
        """The marks of what has brought images of the entry over the network and has not ended well."""
        folder = self.root / CARRIED / name
        return sorted(folder.iterdir()) if folder.is_dir() else []

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

    def move(self, files: Iterable[tuple[Path, Path]]) -> None:
        """Move files to other places in the inbox, over what lies there; one that is gone is passed over.

        Args:
            files: where each lies, and where it is to lie.
        """
        folders = set()
        for path, target in files:
            if path != target and path.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)
                folders.add(target.parent)
        for folder in folders:
            flush(folder)
            os.utime(self.root.joinpath(*folder.relative_to(self.root).parts[:2]))  # from now on it waits

    def done_with_carriers(self, name: str) -> None:
        """Forget what has brought the entry: it was taken as it is."""
        shutil.rmtree(self.root / CARRIED / name, ignore_errors=True)

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
        os.utime(self.root / REJECTED / rejected, follow_symlinks=False)
        self.done_with_carriers(name)

    def reject_files(self, name: str, rejected: str, files: Iterable[Path]) -> None:
        """Move some files of the entry out of the way, and how it came with them; a folder that a crash left
        half filled is filled.
        """
        top, target = self.root / name, self.root / REJECTED / rejected
        target.mkdir(exist_ok=True)
        for marker in top.glob(".*"):
            if marker.is_file():
                shutil.copy2(marker, target / marker.name)
        inside = [path for path in files if path.is_relative_to(top)]
        self.move((path, target / path.relative_to(top)) for path in inside)

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


def _looks(path: Path, name: str) -> list[tuple[str, int, int]]:
    try:
        stat = path.stat()
    except OSError:
        return [(name, -1, 0)]  # a dangling link, or no right to look: reading it will say so
    return [(name, stat.st_size, stat.st_mtime_ns)]
