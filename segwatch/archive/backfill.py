"""Old examinations brought from the archive to ingest's door, one by one, going on where it was stopped."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from segwatch.archive.dimse import Archive
from segwatch.archive.peer import ArchivedStudy, ArchiveUnavailable, Peer, Source
from segwatch.files import finished_rows

ATTEMPTS = 3
"""At an examination that does not come as a whole; then it is left, and said."""


@dataclass(frozen=True)
class MoveSource:
    """C-MOVE: the archive sends to a title of ingest's, which it knows."""

    archive: Archive
    title: str

    def studies(self, first: date, last: date) -> list[ArchivedStudy]:
        """See `peer.Source`."""
        return self.archive.studies(first, last)

    def bring(self, study: ArchivedStudy) -> int:
        """See `peer.Source`."""
        return self.archive.move(study.uid, self.title)


@dataclass(frozen=True)
class GetSource:
    """C-GET: the examination comes over our own association, and is sent on to ingest's door."""

    archive: Archive
    door: Peer

    def studies(self, first: date, last: date) -> list[ArchivedStudy]:
        """See `peer.Source`."""
        return self.archive.studies(first, last)

    def bring(self, study: ArchivedStudy) -> int:
        """See `peer.Source`."""
        return self.archive.get(study.uid, self.door)


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of an examination: brought now, brought by an earlier run, or why not."""

    study: ArchivedStudy
    images: int
    before: bool = False
    error: str | None = None


def backfill(
    source: Source, first: date, last: date, folder: Path, target: str, wait: Callable[[], None]
) -> Iterator[Brought]:
    """Bring every examination with a CT of these days, in the order of days.

    What is done is kept in the folder, so that a run that was stopped goes on. That an examination is not
    counted twice does not hang on it: ingest knows what it announced.

    Args:
        target: where to, in words: what was brought to one title may be brought to another.
        wait: called before each examination that is brought.

    Raises:
        ArchiveUnavailable: it does not say what it has.
    """
    done = finished_rows(folder)
    for after in range((last - first).days + 1):
        day = first + timedelta(days=after)
        for study in source.studies(day, day):
            key = hashlib.sha256(f"{target} {study.uid} {study.images}".encode()).hexdigest()
            known = done.get(key)
            if known is not None:
                yield Brought(study, int(known["images"]), before=True)
                continue
            wait()
            found = _tried(source, study, wait)
            if found.error is None:
                row: dict[str, Any] = {"day": study.day, "images": found.images}
                done.put(key, row)
            yield found


def _tried(source: Source, study: ArchivedStudy, wait: Callable[[], None]) -> Brought:
    error = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            wait()
        try:
            return Brought(study, source.bring(study))
        except ArchiveUnavailable as failure:
            error = str(failure)
    return Brought(study, 0, error=error)
