"""A mask as runs: for each row, where filled stretches begin and end.

Everything that is measured of a mask's shape is measured on its runs, which are some thousand where voxels
are some million. Reading the mask to find them is what costs, so it is read once, 64 voxels at a time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segwatch.errors import RefusedVolume
from segwatch.features.kernels.compiled import compiled
from segwatch.features.kernels.vectors import LANES, filled_lanes
from segwatch.features.kernels.words import NONE, TOP_BIT, append_ends, filled
from segwatch.volumes.image import MOST_VOXELS

Edges = NDArray[np.uint16]
"""Where runs begin, or end, along x."""
RowStart = NDArray[np.int64]
"""Which run is each row's first: see `Runs`."""
WIDEST = 65_536
"""Ends of runs are kept in 16 bits: half the memory where a mask is noise."""


@dataclass(frozen=True, slots=True)
class Runs:
    """The filled stretches of a mask in raster order.

    Attributes:
        first: the first voxel of each run along x.
        last: its last voxel, inclusive.
        row_start: the runs of row r = z · ny + y are `row_start[r]` to `row_start[r + 1]`, exclusive.
        shape: of the mask, (z, y, x).
    """

    first: Edges
    last: Edges
    row_start: RowStart
    shape: tuple[int, int, int]

    @property
    def arrays(self) -> tuple[Edges, Edges, RowStart]:
        """First, last and row_start, as kernels take them."""
        return self.first, self.last, self.row_start

    @property
    def count(self) -> int:
        """How many runs there are."""
        return len(self.first)

    @property
    def voxels(self) -> int:
        """How many voxels are filled."""
        return int(_length(self.first, self.last))


def encode_runs(mask: NDArray[np.uint8]) -> Runs:
    """The runs of a mask (z, y, x) of bytes, where every byte but 0 is filled.

    Raises:
        RefusedVolume: `too_large`, a row of more than 65,536 voxels or a volume of more than 2³¹.
    """
    nz, ny, nx = mask.shape
    refuse_too_large((nz, ny, nx))
    return Runs(*_encode(np.ascontiguousarray(mask).reshape(-1), nz * ny, nx), (nz, ny, nx))


def stacked(slices: Sequence[Runs]) -> Runs:
    """The runs of a mask whose slices, each a mask of one slice, lie on one another along z."""
    starts = np.cumsum([0] + [axial.count for axial in slices])
    rows = [axial.row_start[:-1] + start for axial, start in zip(slices, starts[:-1], strict=True)]
    _, ny, nx = slices[0].shape
    return Runs(
        np.concatenate([axial.first for axial in slices]),
        np.concatenate([axial.last for axial in slices]),
        np.concatenate([*rows, starts[-1:]]),
        (len(slices), ny, nx),
    )


def refuse_too_large(shape: tuple[int, ...]) -> None:
    """Nothing, where a mask of this shape (z, y, x) can be kept as runs.

    Raises:
        RefusedVolume: `too_large`.
    """
    voxels = math.prod(shape)
    if shape[2] > WIDEST or voxels > MOST_VOXELS:
        raise RefusedVolume(
            f"it has {voxels:,} voxels in rows of {shape[2]:,}; up to {MOST_VOXELS:,} in rows of "
            f"{WIDEST:,} can be measured: resample it first",
            kind="too_large",
        )


@compiled
def _encode(voxels: NDArray[np.uint8], rows: int, nx: int) -> tuple[Edges, Edges, RowStart]:
    """Of bytes in so many rows of `nx`."""
    ends, row_start = room(rows, nx)
    count, whole = 0, nx - nx % LANES
    for row in range(rows):
        if count + nx >= ends.size:  # a row has at most one end more than voxels
            ends = grown(ends)
        inside = NONE
        for x in range(0, whole, LANES):
            bits = filled_lanes(voxels, row * nx + x)
            count = append_ends(bits, inside, x, ends, count)
            inside = bits >> TOP_BIT
        rest = filled(voxels, row * nx + whole, row * nx + nx) if whole < nx else NONE
        count = append_ends(rest, inside, whole, ends, count)  # what is behind the row is empty
        row_start[row + 1] = count >> 1
    first, last = first_and_last(ends, count)
    return first, last, row_start


@compiled
def room(rows: int, nx: int) -> tuple[Edges, RowStart]:
    """Arrays for where runs begin and are over, turn about, and for where each row's begin."""
    return np.empty(4096 + 2 * nx, np.uint16), np.zeros(rows + 1, np.int64)


@compiled
def grown(ends: Edges) -> Edges:
    """A copy of the array that is twice as large."""
    larger = np.empty(2 * ends.size, ends.dtype)
    larger[: ends.size] = ends
    return larger


@compiled
def first_and_last(ends: Edges, count: int) -> tuple[Edges, Edges]:
    """The first and the last voxel of each run.

    65,536, where a row of so many voxels is over, is 0 in 16 bits; one less is right again.
    """
    first, last = np.empty(count // 2, np.uint16), np.empty(count // 2, np.uint16)
    for run in range(count // 2):
        first[run] = ends[2 * run]
        last[run] = signed(ends[2 * run + 1]) - 1
    return first, last


@compiled
def signed(end: np.uint16) -> int:
    """An end of a run to reckon with: numba would subtract unsigned numbers as floats."""
    return int(end) + 0


@compiled
def _length(first: Edges, last: Edges) -> int:
    total = 0
    for run in range(first.size):
        total += signed(last[run]) - signed(first[run]) + 1
    return total
