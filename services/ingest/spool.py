"""Where instances that come over the network land: in the inbox, a folder for each series."""

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from segwatch.errors import RefusedVolume, StoreUnavailable
from segwatch.files import flush
from segwatch.ingest.inbox import ARRIVING
from segwatch.volumes.dicom_slices import read_header
from segwatch.volumes.refusals import refused
from services.ingest.case import ARRIVED_BY, ArrivedBy
from services.ingest.inbox import Inbox

PROCESSING_FAILURE = 0x0110
OUT_OF_RESOURCES = 0xA700
CANNOT_UNDERSTAND = 0xC000
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_UIDS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")


class SpoolFull(StoreUnavailable):
    """There is no room for more; the sender is told, and sends again later."""


REFUSALS = (SpoolFull, RefusedVolume, OSError)
"""Why an instance is not taken."""


def status_of_refusal(error: SpoolFull | RefusedVolume | OSError) -> int:
    """The status that the sender is told (DICOM PS3.4 Table B.2-1, PS3.18 Annex I.2)."""
    if isinstance(error, RefusedVolume):
        return CANNOT_UNDERSTAND
    full = isinstance(error, SpoolFull) or error.errno in FULL
    return OUT_OF_RESOURCES if full else PROCESSING_FAILURE


@dataclass(frozen=True, slots=True)
class Instance:
    """Which DICOM instance arrived."""

    sop_class: str
    sop_instance: str
    study: str
    series: str


@dataclass(frozen=True)
class Spool:
    """Takes instances, durably before it says so. What they are is for the pipeline to judge.

    Attributes:
        min_free: bytes of disk that stay free.
        free: bytes of disk that are free in a folder.
    """

    inbox: Inbox
    min_free: int
    free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free

    @contextmanager
    def arriving(self) -> Iterator["Arriving"]:
        """A place for one instance's bytes, gone again when they are not kept."""
        path = self.inbox.root / ARRIVING / uuid4().hex
        with path.open("xb") as file:
            try:
                yield Arriving(self, path, file)
            finally:
                path.unlink(missing_ok=True)

    def take(self, data: bytes, arrived_by: ArrivedBy) -> Instance:
        """Keep the bytes of one DICOM file; raises as `Arriving.write` and `enter` do."""
        with self.arriving() as arriving:
            arriving.write(data)
            instance = arriving.look()
            arriving.enter(instance, arrived_by)
            return instance


@dataclass(frozen=True)
class Arriving:
    """One instance on its way in."""

    spool: Spool
    path: Path
    file: BinaryIO

    def write(self, data: bytes) -> None:
        """Add bytes.

        Raises:
            SpoolFull: the disk is as full as it may get.
        """
        if self.spool.free(self.path.parent) < self.spool.min_free + len(data):
            raise SpoolFull("the disk of the inbox is full; make room or move it")
        self.file.write(data)

    def look(self) -> Instance:
        """Which instance it is.

        Raises:
            RefusedVolume: no DICOM file, damaged, or without the UIDs of study, series and instance.
        """
        self.file.flush()
        header = read_header(self.path)
        uids = [str(header.get(keyword) or "") for keyword in _UIDS]
        if not all(uids):
            raise refused("unreadable", "instance", "it lacks the UID of its class, study, series or itself")
        return Instance(*uids)

    def enter(self, instance: Instance, arrived_by: ArrivedBy) -> None:
        """Put it into its series' folder in the inbox; on the disk for good when this returns.

        Raises:
            OSError: the disk fails.
        """
        self.file.flush()
        os.fsync(self.file.fileno())
        entry = self.spool.inbox.root / f"series-{_short(instance.series)}"
        for last in (False, True):
            try:
                entry.mkdir(exist_ok=True)
                (entry / ARRIVED_BY).write_text(arrived_by)
                self.path.rename(entry / f"{_short(instance.sop_instance)}.dcm")
                break
            except FileNotFoundError:
                if last:  # once the folder may have been cleared between two lines, not twice
                    raise
        flush(entry)
        flush(entry.parent)


def _short(uid: str) -> str:
    """A file name for a UID, whatever the sender wrote into it."""
    return hashlib.sha256(uid.encode()).hexdigest()[:32]
