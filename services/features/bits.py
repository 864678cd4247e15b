"""The runs of a mask whose voxels are packed eight to a byte, as the volume store keeps them.

Reading bits is reading an eighth of the memory, and no byte is made that would only be looked at once.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.features.compiled import compiled
from services.features.runs import Runs, encode_runs, grown, refuse_too_large


def encode_bits(bits: NDArray[np.uint8], shape: tuple[int, int, int]) -> Runs:
    """The runs of the mask (z, y, x) that numpy's `packbits` made `bits` from.

    Raises:
        RefusedVolume: as `encode_runs`. ValueError: the bits are too few or too many for the shape.
    """
    voxels = math.prod(shape)
    if bits.size != (voxels + 7) // 8:
        raise ValueError(f"{bits.size} bytes do not hold the {voxels} voxels of {shape}")
    refuse_too_large(shape)
    if shape[2] % 8:  # rows do not begin with a byte
        return encode_runs(np.unpackbits(bits, count=voxels).reshape(shape))
    rows = np.ascontiguousarray(bits).reshape(shape[0] * shape[1], shape[2] // 8)
    words = rows if shape[2] % 64 else rows.view(np.uint64)
    return Runs(*_encode(rows, words, words.dtype.type(-1 % 2 ** (8 * words.itemsize))), shape)


@compiled
def _encode(
    rows: NDArray[np.uint8], words: NDArray[Any], full: np.unsignedinteger[Any]
) -> tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.int64]]:
    nx = 8 * rows.shape[1]
    capacity = 4096 + nx
    first = np.empty(capacity, np.uint16)
    last = np.empty(capacity, np.uint16)
    row_start = np.zeros(rows.shape[0] + 1, np.int64)
    count = 0
    for row in range(rows.shape[0]):
        seen = full ^ full
        for word in range(words.shape[1]):
            seen |= words[row, word]
        if seen != full ^ full:
            if count + nx > capacity:
                capacity = 2 * capacity + nx
                first = grown(first, capacity)
                last = grown(last, capacity)
            count = _encode_row(rows[row], words[row], full, first, last, count)
        row_start[row + 1] = count
    return first[:count].copy(), last[:count].copy(), row_start


@compiled
def _encode_row(
    row: NDArray[np.uint8],
    words: NDArray[Any],
    full: np.unsignedinteger[Any],
    first: NDArray[np.uint16],
    last: NDArray[np.uint16],
    count: int,
) -> int:
    """Append the row's runs. A word that is all empty, or all filled inside a run, is passed at once."""
    each = row.size // words.size
    inside = False
    for word in range(words.size):
        if words[word] == (full if inside else full ^ full):
            continue
        for byte in range(each * word, each * (word + 1)):
            eight = row[byte]
            if eight == (255 if inside else 0):
                continue
            for bit in range(8):
                filled = (eight >> (7 - bit)) & 1 == 1
                if filled == inside:
                    continue
                if filled:
                    first[count] = 8 * byte + bit
                else:
                    last[count] = 8 * byte + bit - 1
                    count += 1
                inside = filled
    if inside:
        last[count] = 8 * row.size - 1
        count += 1
    return count
