"""NIfTI files slice by slice: a whole scan is never in memory at once.

Only where the file's slowest axis runs along the patient, as nearly every CT's does.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np

from segwatch.contracts.base import Geometry
from segwatch.volumes.image import Array
from segwatch.volumes.nifti import (
    _affine,
    _go_to_voxels,
    _header,
    _opened,
    _scaling,
    _shape,
    read_to_the_end,
    require_file,
)
from segwatch.volumes.orientation import Turning, turning
from segwatch.volumes.refusals import refused

AXIAL = 2


@dataclass(frozen=True)
class Slices:
    """An open file before its first voxel.

    Attributes:
        geometry: of the canonical volume.
        axial: whether the file's slices are axial, so that they can be handed out one by one.
    """

    name: str
    _stream: BufferedIOBase
    _header: Any
    _turn: Turning

    @property
    def geometry(self) -> Geometry:
        """Of the canonical volume that the slices make."""
        return self._turn.geometry

    @property
    def axial(self) -> bool:
        """Whether the file's slices are axial."""
        return self._turn.order[2] == AXIAL

    def __iter__(self) -> Iterator[tuple[int, Array]]:
        """Each axial slice (y, x) with its place along z, in the file's order.

        Small whole numbers come as they are, all else as float32. A slice stays as it is until the next
        but one is handed out.

        Raises:
            RefusedVolume: truncated_file, not_finite, unreadable.
        """
        return self.each(held=2)

    def each(self, held: int, at_once: int = 0) -> Iterator[tuple[int, Array]]:
        """The same; so many slices stay as they are, the one handed out last among them.

        Args:
            held: how many.
            at_once: bytes that are read together, where that is more than a slice: quicker beside another
                thread, since after each reading one waits for the interpreter's lock. Slices before a
                damage that is met in the same reading are not handed out.
        """
        dtype = _go_to_voxels(self._stream, self._header, self.name)
        nz, ny, nx = self.geometry.shape_zyx
        ni, nj = (nx, ny) if self._turn.order[0] == 0 else (ny, nx)
        together = max(1, min(nz, at_once // (nj * ni * dtype.itemsize)))
        blocks = min(-(-(held - 1) // together) + 1, -(-nz // together))
        ring = np.empty((blocks * together, nj, ni), dtype)
        scaling = _scaling(self._header, self.name)
        for first in range(0, nz, together):
            place = first % len(ring)
            block = ring[place : place + min(together, nz - first)]
            self._fill(block, first, nz)
            for k, slice_ in enumerate(block, first):
                values = _values(slice_, scaling, self.name)
                yield (nz - 1 - k if self._turn.flipped[2] else k), self._turned(values)

    def finish(self) -> None:
        """Read to the file's end, where gzip's checksum is.

        Raises:
            RefusedVolume: truncated_file.
        """
        read_to_the_end(self._stream, self.name)

    def _turned(self, values: Array) -> Array:
        """From the file's (j, i) to (y, x)."""
        turned = values if self._turn.order[0] == 0 else values.T
        flip_x, flip_y = self._turn.flipped[:2]
        return turned[:: -1 if flip_y else 1, :: -1 if flip_x else 1]

    def _fill(self, block: Array, first: int, nz: int) -> None:
        view, filled = block.reshape(-1).view(np.uint8).data, 0
        while filled < len(view) and (count := self._stream.readinto(view[filled:])):
            filled += count
        if filled < len(view):
            k = first + filled // block[0].nbytes
            raise refused("truncated_file", self.name, f"it ends in slice {k + 1} of {nz}; copy it again")


@contextlib.contextmanager
def open_slices(path: Path) -> Iterator[Slices]:
    """A NIfTI file, its header read and checked.

    Raises:
        RefusedVolume: see `refusals.Kind`. OSError: the file cannot be read at all.
    """
    require_file(path)
    with _opened(path) as stream, np.errstate(all="ignore"):
        header = _header(stream, path.name)
        shape = _shape(header, path.name)
        turn = turning(shape, _affine(header, shape, path.name), path.name)
        yield Slices(path.name, stream, header, turn)


def _values(raw: Array, scaling: tuple[float, float] | None, name: str) -> Array:
    """Scaled, finite, and of a type that is resampled: up to 16 bits as they are, all else as float32."""
    if scaling is None and np.can_cast(raw.dtype, np.int16):
        return raw
    if scaling is None and raw.dtype.kind in "iu":
        return raw.astype(np.float32)
    scaled = raw.astype(np.float64)
    if scaling is not None:
        scaled = scaled * scaling[0] + scaling[1]
    values = scaled.astype(np.float32)
    if not np.isfinite(values).all():
        raise refused("not_finite", name, "it holds NaN or infinite voxels; export it again")
    return values
