"""Who is spoken to, and what an archive says that it has."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from segwatch.errors import BadInput, Transient


class ArchiveUnavailable(Transient):
    """The archive does not answer, refuses the association, or broke off: ask again later."""


@dataclass(frozen=True, slots=True)
class Peer:
    """An application entity of the network: its title, and where it listens."""

    title: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class ArchivedSeries:
    """A series of an archive, and how many images it has; 0 where the archive does not say."""

    uid: str
    modality: str
    images: int


@dataclass(frozen=True, slots=True)
class ArchivedStudy:
    """An examination of an archive."""

    uid: str
    day: str
    series: tuple[ArchivedSeries, ...] = ()

    @property
    def images(self) -> int:
        """How many images it has, as far as the archive says."""
        return sum(each.images for each in self.series)


class Source(Protocol):
    """Something that finds examinations, and brings one to ingest's door."""

    def studies(self, first: date, last: date) -> list[ArchivedStudy]:
        """Every examination with a CT series of these days, both included, in the order of days and UIDs.

        Raises:
            ArchiveUnavailable: ask again later.
        """
        ...

    def bring(self, study: ArchivedStudy) -> int:
        """Bring an examination to ingest's door; how many images came.

        Raises:
            ArchiveUnavailable: it did not come as a whole; bring it again.
        """
        ...


def read_peer(text: str) -> Peer:
    """`TITLE@HOST:PORT`.

    Raises:
        BadInput: it is none.

    Examples:
        >>> read_peer("PACS@10.0.0.5:104")
        Peer(title='PACS', host='10.0.0.5', port=104)
    """
    found = re.fullmatch(r"([ -?A-\[\]-~]{1,16})@(\[?[\w.:-]+?\]?):(\d{1,5})", text)
    if found is None or not 0 < int(found[3]) < 65536:
        raise BadInput(f"{text!r} names no DICOM peer: write TITLE@HOST:PORT, as in PACS@10.0.0.5:104")
    return Peer(found[1].strip(), found[2].strip("[]"), int(found[3]))
