"""A mask as runs: for each row, where filled stretches begin and end.

Everything that is measured of a mask's shape is measured on its runs, which are some thousand where voxels
are some million. Reading the mask to find them is what costs, so it is read once, 64 voxels at a time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.contracts.errors import RefusedVolume
from services.features.compiled import compiled, inlined
from services.features.words import EVERY_BYTE, NONE, TOP_BIT, append_ends, filled_bytes
from services.volumes.image import MOST_VOXELS

WIDEST = 65_536
"""Ends of runs are kept in 16 bits: half the memory where a mask is noise."""
LINE = 64
"""Voxels that are looked at together: as bytes a line of the processor's cache, as bits a word."""


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
    rows = np.ascontiguousarray(mask).reshape(nz * ny, nx)
    if nx % LINE:
        return Runs(*_encode_odd(rows), (nz, ny, nx))
    return Runs(*_encode(rows.view(np.uint64).reshape(nz * ny, nx // LINE, 8)), (nz, ny, nx))


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
def _encode(
    lines: NDArray[np.uint64],
) -> tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.int64]]:
    """Of bytes (row, line, word) in rows of whole lines."""
    nx = LINE * lines.shape[1]
    first, last, row_start = room(lines.shape[0], nx)
    count = 0
    for row in range(lines.shape[0]):
        if _holds_any(lines, row):
            if count + nx > first.size:  # a row has at most as many runs as voxels
                first, last = grown(first, count + nx), grown(last, count + nx)
            count = _encode_row(lines, row, nx, first, last, count)
        row_start[row + 1] = count
    return first[:count].copy(), last[:count].copy(), row_start


@compiled
def _encode_odd(
    rows: NDArray[np.uint8],
) -> tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.int64]]:
    """Of bytes (row, voxel): each row is copied to where it is filled up to whole lines."""
    nx = rows.shape[1]
    first, last, row_start = room(rows.shape[0], nx)
    lines = np.zeros((1, nx // LINE + 1, 8), np.uint64)
    padded = lines.reshape(-1).view(np.uint8)
    count = 0
    for row in range(rows.shape[0]):
        padded[:nx] = rows[row]
        if _holds_any(lines, 0):
            if count + nx > first.size:  # a row has at most as many runs as voxels
                first, last = grown(first, count + nx), grown(last, count + nx)
            count = _encode_row(lines, 0, nx, first, last, count)
        row_start[row + 1] = count
    return first[:count].copy(), last[:count].copy(), row_start


@compiled
def room(rows: int, nx: int) -> tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.int64]]:
    """Arrays for the beginnings and ends of runs, and for where each row's begin."""
    capacity = 4096 + nx
    return np.empty(capacity, np.uint16), np.empty(capacity, np.uint16), np.zeros(rows + 1, np.int64)


@compiled
def signed(end: np.uint16) -> int:
    """An end of a run to reckon with: numba would subtract unsigned numbers as floats."""
    return int(end) + 0


@compiled
def grown(array: NDArray[np.uint16], least: int) -> NDArray[np.uint16]:
    """A copy of the array, twice as large, with room for at least so many entries."""
    larger = np.empty(max(least, 2 * array.size), array.dtype)
    larger[: array.size] = array
    return larger


@inlined
def _holds_any(lines: NDArray[np.uint64], row: int) -> bool:
    """Whether a row of (row, line, word) holds anything. With most rows, which do not, this is all."""
    seen = NONE
    for line in range(lines.shape[1]):
        for word in range(8):
            seen |= lines[row, line, word]
    return bool(seen != NONE)


@inlined
def _encode_row(
    lines: NDArray[np.uint64],
    row: int,
    nx: int,
    first: NDArray[np.uint16],
    last: NDArray[np.uint16],
    count: int,
) -> int:
    """Append the row's runs. A line that is all empty, or all 1 inside a run, is passed at once."""
    firsts, lasts = count, count
    inside = NONE
    for line in range(lines.shape[1]):
        differs, held = NONE, EVERY_BYTE * inside
        for word in range(8):
            differs |= lines[row, line, word] ^ held
        if differs == NONE:
            continue
        bits = NONE
        for word in range(8):
            bits |= filled_bytes(lines[row, line, word]) << np.uint64(8 * word)
        firsts, lasts = append_ends(bits, inside, LINE * line, first, last, firsts, lasts)
        inside = bits >> TOP_BIT
    if lasts < firsts:
        last[lasts] = nx - 1
    return firsts


@compiled
def _length(first: NDArray[np.uint16], last: NDArray[np.uint16]) -> int:
    total = 0
    for run in range(first.size):
        total += signed(last[run]) - signed(first[run]) + 1
    return total
