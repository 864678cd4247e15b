"""64 voxels of a row at once: as the bits of a word, the first voxel its lowest bit, and summed.

Compare `uint64` with `np.uint64` constants only: numba compares it with a plain number as floats.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwatch.features.kernels.compiled import inlined
from segwatch.features.kernels.vectors import LANES, filled_lanes, lowest_bit, sum_of_lanes

NONE = np.uint64(0)
ALL = ~NONE
ONE = np.uint64(1)
TOP_BIT = np.uint64(LANES - 1)

_SWAPS = ((1, 0x5555555555555555), (2, 0x3333333333333333), (4, 0x0F0F0F0F0F0F0F0F))
_BY_1, _BY_2, _BY_4 = (np.uint64(by) for by, _ in _SWAPS)
_KEEP_1, _KEEP_2, _KEEP_4 = (np.uint64(keep) for _, keep in _SWAPS)


@inlined
def lowest(count: int) -> np.uint64:
    """A word whose lowest bits are set, so many of them: 1 to 64."""
    return np.uint64(ALL >> np.uint64(LANES - count))


@inlined
def filled(voxels: NDArray[np.uint8], at: int, end: int) -> np.uint64:
    """A bit for each of the 1 to 64 bytes of a flat array from `at` to before `end`: is it not 0?"""
    if voxels.size >= LANES:
        start = min(at, voxels.size - LANES)
        return np.uint64((filled_lanes(voxels, start) >> np.uint64(at - start)) & lowest(end - at))
    bits = NONE
    for place in range(at, end):
        bits |= np.uint64(voxels[place] != 0) << np.uint64(place - at)
    return bits


@inlined
def summed(values: NDArray[Any], begin: int, end: int) -> float:
    """The sum of a flat array's values from `begin` to before `end`."""
    total: float = 0
    for at in range(begin, end, LANES):
        count = min(LANES, end - at)
        if values.size >= LANES:
            start = min(at, values.size - LANES)
            total += sum_of_lanes(values, start, lowest(count) << np.uint64(at - start))
        else:
            for value in values[at : at + count]:
                total += value
    return total


@inlined
def turned_bytes(word: np.uint64) -> np.uint64:
    """The word with the bits of each byte turned round: numpy's `packbits` puts the first voxel on top."""
    word = ((word >> _BY_1) & _KEEP_1) | ((word & _KEEP_1) << _BY_1)
    word = ((word >> _BY_2) & _KEEP_2) | ((word & _KEEP_2) << _BY_2)
    return np.uint64(((word >> _BY_4) & _KEEP_4) | ((word & _KEEP_4) << _BY_4))


@inlined
def append_ends(bits: np.uint64, before: np.uint64, x: int, ends: NDArray[np.uint16], count: int) -> int:
    """Append where runs begin, and where they are over, among 64 voxels from `x` on; how many there are then.

    `before` is 1 where the voxel before the first is filled, else 0.
    """
    changes = bits ^ ((bits << ONE) | before)
    while changes != NONE:
        ends[count] = x + lowest_bit(changes)
        count += 1
        changes &= changes - ONE
    return count
