"""What the doors of ingest need of a sender, and disks of any size."""

from typing import NamedTuple

from services.ingest.case import ArrivedBy
from services.ingest.spool import Room, Sender, Spool


class Disk(NamedTuple):
    """Bytes."""

    total: int
    free: int


FULL = Room(1, usage=lambda _: Disk(2**40, 0))


def by(spool: Spool, way: ArrivedBy = "c-store", called: str | None = None) -> Sender:
    """An association or request of its own."""
    return Sender(way, spool.carriers.begin(), called)
