"""A CT that is inflated ahead, in a thread of its own, while its masks are still being read.

Inflating is what a raw file costs, and where the CT is needed is known only when the lesion mask has been
read. The buffer is bounded, so that memory does not grow with the number of slices.
"""

import contextlib
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segwatch.contracts.base import Geometry
from segwatch.volumes.image import Array
from segwatch.volumes.slices import Slices, open_slices

AHEAD_BYTES = 64 * 1024 * 1024
"""About what is inflated in the time that two masks take."""
AT_ONCE_BYTES = 2 * 1024 * 1024
BEING_HELD = 4
"""Slices that are not in the queue: one being inflated, one being put there, and the reader's last two."""
LOOK_SECONDS = 0.05
"""How soon the thread sees that nobody reads on."""

_Item = tuple[int, Array] | BaseException | None


@dataclass(frozen=True)
class Ahead:
    """An open CT whose slices are on their way. To be iterated once."""

    name: str
    geometry: Geometry
    whole: bool
    _queue: "queue.Queue[_Item]"

    def __iter__(self) -> Iterator[tuple[int, Array]]:
        """Each axial slice (y, x) with its place along z, as `Slices` hands them out.

        A slice stays as it is until the next but one is handed out. The file is read to its end, where
        gzip's checksum is, before the last word.

        Raises:
            RefusedVolume: as `Slices` does.
        """
        while (item := self._queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item


@contextlib.contextmanager
def read_ahead(path: Path, *, whole: bool = True) -> Iterator[Ahead]:
    """Begin to inflate a NIfTI file; leaving the context ends that, wherever it is.

    Args:
        path: the file.
        whole: whether it is read to its last checksum.

    Raises:
        RefusedVolume: as `open_slices` does, for the header; what is wrong behind it shows while iterating.
    """
    left = threading.Event()
    with open_slices(path) as slices:
        ready: queue.Queue[_Item] = queue.Queue(_most(slices.geometry))
        thread = threading.Thread(target=_inflate, args=(slices, whole, ready, left), daemon=True)
        thread.start()
        try:
            yield Ahead(path.name, slices.geometry, whole, ready)
        finally:
            left.set()
            thread.join()


def _most(geometry: Geometry) -> int:
    _, height, width = geometry.shape_zyx
    return max(2, AHEAD_BYTES // (height * width * 4))


def _inflate(slices: Slices, whole: bool, ready: "queue.Queue[_Item]", left: threading.Event) -> None:
    last: BaseException | None = None
    try:
        with np.errstate(all="ignore"):  # a thread begins with numpy's own
            # Where not all is read, a damage behind what is needed must not be met.
            at_once = AT_ONCE_BYTES if whole else 0
            for z, values in slices.each(ready.maxsize + BEING_HELD, at_once):
                if not _put(ready, (z, values), left):
                    return
            if whole:
                slices.finish()
    except BaseException as error:  # noqa: BLE001 - it belongs to whoever iterates
        last = error
    _put(ready, last, left)


def _put(ready: "queue.Queue[_Item]", item: _Item, left: threading.Event) -> bool:
    while not left.is_set():
        with contextlib.suppress(queue.Full):
            ready.put(item, timeout=LOOK_SECONDS)
            return True
    return False
