"""The runs of a mask whose voxels are packed eight to a byte, as the volume store keeps them.

Reading bits is reading an eighth of the memory, and no byte is made that would only be looked at once.
"""

import math

import numpy as np
from numpy.typing import NDArray

from segwatch.features.kernels.compiled import compiled
from segwatch.features.kernels.runs import (
    Edges,
    RowStart,
    Runs,
    encode_runs,
    first_and_last,
    grown,
    refuse_too_large,
    room,
    stacked,
)
from segwatch.features.kernels.vectors import LANES
from segwatch.features.kernels.words import NONE, TOP_BIT, append_ends, turned_bytes


def encode_bits(bits: NDArray[np.uint8], shape: tuple[int, int, int]) -> Runs:
    """The runs of the mask (z, y, x) that numpy's `packbits` made `bits` from.

    Raises:
        RefusedVolume: as `encode_runs`. ValueError: the bits are too few or too many for the shape.
    """
    voxels = math.prod(shape)
    if bits.size != (voxels + 7) // 8:
        raise ValueError(f"{bits.size} bytes do not hold the {voxels} voxels of {shape}")
    refuse_too_large(shape)
    if shape[2] % LANES:  # rows do not begin with a word
        return _of_slices(bits, shape)
    return Runs(*_encode(as_words(bits, shape)), shape)


def as_words(bits: NDArray[np.uint8], shape: tuple[int, int, int]) -> NDArray[np.uint64]:
    """The rows of such a mask as words (row, word), for a mask (z, y, x) whose rows are whole words."""
    return np.ascontiguousarray(bits).view(np.uint64).reshape(shape[0] * shape[1], shape[2] // LANES)


def _of_slices(bits: NDArray[np.uint8], shape: tuple[int, int, int]) -> Runs:
    """Unpacked slice by slice, so that never more than one lies there as bytes."""
    axial = shape[1] * shape[2]
    slices = []
    for start in range(0, shape[0] * axial, axial):
        unpacked = np.unpackbits(bits[start // 8 : (start + axial + 7) // 8])[start % 8 :][:axial]
        slices.append(encode_runs(unpacked.reshape(1, *shape[1:])))
    return stacked(slices)


@compiled
def _encode(words: NDArray[np.uint64]) -> tuple[Edges, Edges, RowStart]:
    """Of rows of words."""
    rows, nx = words.shape[0], LANES * words.shape[1]
    ends, row_start = room(rows, nx)
    count = 0
    for row in range(rows):
        if count + nx >= ends.size:  # a row has at most one end more than voxels
            ends = grown(ends)
        inside = NONE
        for place in range(words.shape[1]):
            if words[row, place] == NONE - inside:  # all as the voxel before: nothing to turn
                continue
            bits = turned_bytes(words[row, place])
            count = append_ends(bits, inside, LANES * place, ends, count)
            inside = bits >> TOP_BIT
        count = append_ends(NONE, inside, nx, ends, count)  # what is behind the row is empty
        row_start[row + 1] = count >> 1
    first, last = first_and_last(ends, count)
    return first, last, row_start
