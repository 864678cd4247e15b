"""The runs of a mask whose voxels are packed eight to a byte, as the volume store keeps them.

Reading bits is reading an eighth of the memory, and no byte is made that would only be looked at once.
"""

import math

import numpy as np
from numpy.typing import NDArray

from services.features.compiled import compiled, inlined
from services.features.runs import (
    LINE,
    Runs,
    encode_runs,
    grown,
    refuse_too_large,
    room,
    stacked,
)
from services.features.words import NONE, TOP_BIT, append_ends, turned_bytes


def encode_bits(bits: NDArray[np.uint8], shape: tuple[int, int, int]) -> Runs:
    """The runs of the mask (z, y, x) that numpy's `packbits` made `bits` from.

    Raises:
        RefusedVolume: as `encode_runs`. ValueError: the bits are too few or too many for the shape.
    """
    voxels = math.prod(shape)
    if bits.size != (voxels + 7) // 8:
        raise ValueError(f"{bits.size} bytes do not hold the {voxels} voxels of {shape}")
    refuse_too_large(shape)
    if shape[2] % LINE:  # rows do not begin with a word
        return _of_slices(bits, shape)
    words = np.ascontiguousarray(bits).view(np.uint64).reshape(shape[0] * shape[1], shape[2] // LINE)
    return Runs(*_encode(words), shape)


def _of_slices(bits: NDArray[np.uint8], shape: tuple[int, int, int]) -> Runs:
    """Unpacked slice by slice, so that never more than one lies there as bytes."""
    axial = shape[1] * shape[2]
    slices = []
    for start in range(0, shape[0] * axial, axial):
        unpacked = np.unpackbits(bits[start // 8 : (start + axial + 7) // 8])[start % 8 :][:axial]
        slices.append(encode_runs(unpacked.reshape(1, *shape[1:])))
    return stacked(slices)


@compiled
def _encode(
    words: NDArray[np.uint64],
) -> tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.int64]]:
    nx = LINE * words.shape[1]
    first, last, row_start = room(words.shape[0], nx)
    count = 0
    for row in range(words.shape[0]):
        seen = NONE
        for place in range(words.shape[1]):
            seen |= words[row, place]
        if seen != NONE:
            if count + nx > first.size:  # a row has at most as many runs as voxels
                first, last = grown(first, count + nx), grown(last, count + nx)
            count = _encode_row(words, row, first, last, count)
        row_start[row + 1] = count
    return first[:count].copy(), last[:count].copy(), row_start


@inlined
def _encode_row(
    words: NDArray[np.uint64], row: int, first: NDArray[np.uint16], last: NDArray[np.uint16], count: int
) -> int:
    """Append the row's runs. A word that is all empty, or all filled inside a run, is passed at once."""
    firsts, lasts = count, count
    inside = NONE
    for place in range(words.shape[1]):
        if words[row, place] == NONE - inside:
            continue
        bits = turned_bytes(words[row, place])
        firsts, lasts = append_ends(bits, inside, LINE * place, first, last, firsts, lasts)
        inside = bits >> TOP_BIT
    if lasts < firsts:
        last[lasts] = LINE * words.shape[1] - 1
    return firsts
