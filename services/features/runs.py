"""A mask as runs: for each row, where filled stretches begin and end.

Everything that is measured of a mask's shape is measured on its runs, which are some thousand where voxels
are some million. Reading the mask to find them is what costs, so it is read once, eight voxels at a time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.contracts.errors import RefusedVolume
from services.features.compiled import compiled

WIDEST = 65_536
"""Ends of runs are kept in 16 bits: half the memory where a mask is noise."""
MOST_VOXELS = 2**31
_LOW_BITS = np.uint64(0x0101010101010101)
_HIGH_BITS = np.uint64(0x8080808080808080)
_NONE = np.uint64(0)


@dataclass(frozen=True, slots=True)
class Runs:
    """The filled stretches of a mask in raster order.

    Attributes:
        first: the first voxel of each run along x.
        last: its last voxel, inclusive.
        row_start: the runs of row r = z · ny + y are `row_start[r]` to `row_start[r + 1]`, exclusive.
        shape: of the mask, (z, y, x).
    """

    first: NDArray[np.uint16]
    last: NDArray[np.uint16]
    row_start: NDArray[np.int64]
    shape: tuple[int, int, int]

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
    padding = -nx % 8
    rows = np.ascontiguousarray(np.pad(mask, ((0, 0), (0, 0), (0, padding))) if padding else mask)
    rows = rows.reshape(nz * ny, nx + padding)
    first, last, row_start = _encode(rows, rows.view(np.uint64), nx)
    return Runs(first, last, row_start, (nz, ny, nx))


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


def refuse_too_large(shape: tuple[int, int, int]) -> None:
    """Nothing, where a mask of this shape (z, y, x) can be kept as runs.

    Raises:
        RefusedVolume: `too_large`.
    """
    voxels = math.prod(shape)
    if shape[2] > WIDEST or voxels > MOST_VOXELS:
        raise RefusedVolume(
            f"the mask has {voxels:,} voxels in rows of {shape[2]:,}; up to {MOST_VOXELS:,} in rows of "
            f"{WIDEST:,} can be measured: resample it first",
            kind="too_large",
        )


@compiled
def _encode(
    rows: NDArray[np.uint8], words: NDArray[np.uint64], nx: int
) -> tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.int64]]:
    capacity = 4096 + nx
    first = np.empty(capacity, np.uint16)
    last = np.empty(capacity, np.uint16)
    row_start = np.zeros(rows.shape[0] + 1, np.int64)
    count = 0
    for row in range(rows.shape[0]):
        seen = _NONE
        for word in range(words.shape[1]):
            seen |= words[row, word]
        if seen != _NONE:
            if count + nx > capacity:
                capacity = 2 * capacity + nx
                first = grown(first, capacity)
                last = grown(last, capacity)
            count = _encode_row(rows[row], words[row], nx, first, last, count)
        row_start[row + 1] = count
    return first[:count].copy(), last[:count].copy(), row_start


@compiled
def signed(end: np.uint16) -> int:
    """An end of a run to reckon with: numba would subtract unsigned numbers as floats."""
    return int(end) + 0


@compiled
def grown(array: NDArray[np.uint16], capacity: int) -> NDArray[np.uint16]:
    """A copy of the array with room for `capacity` entries."""
    larger = np.empty(capacity, array.dtype)
    larger[: array.size] = array
    return larger


@compiled
def _encode_row(
    row: NDArray[np.uint8],
    words: NDArray[np.uint64],
    nx: int,
    first: NDArray[np.uint16],
    last: NDArray[np.uint16],
    count: int,
) -> int:
    """Append the row's runs. A word that is all empty, or all filled inside a run, is passed at once."""
    inside = False
    for word in range(words.size):
        eight = words[word]
        if inside:
            if ((eight - _LOW_BITS) & ~eight & _HIGH_BITS) == _NONE:  # no byte is zero
                continue
        elif eight == _NONE:
            continue
        for x in range(8 * word, 8 * word + 8):
            filled = row[x] != 0
            if filled == inside:
                continue
            if filled:
                first[count] = x
            else:
                last[count] = x - 1
                count += 1
            inside = filled
    if inside:
        last[count] = nx - 1
        count += 1
    return count


@compiled
def _length(first: NDArray[np.uint16], last: NDArray[np.uint16]) -> int:
    total = 0
    for run in range(first.size):
        total += signed(last[run]) - signed(first[run]) + 1
    return total
