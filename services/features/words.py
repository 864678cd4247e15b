"""64 voxels of a row as the bits of a word, the first voxel its lowest bit: how runs are found quickly.

Compare `uint64` with `np.uint64` constants only: numba compares it with a plain number as floats.
"""

import numpy as np
from numpy.typing import NDArray

from services.features.compiled import inlined

NONE = np.uint64(0)
ONE = np.uint64(1)
TOP_BIT = np.uint64(63)
EVERY_BYTE = np.uint64(0x0101010101010101)
"""Times a byte: that byte, eight times."""

_HIGHEST = np.uint64(0x8080808080808080)
_ALL_BUT_HIGHEST = np.uint64(0x7F7F7F7F7F7F7F7F)
_GATHER = np.uint64(0x0102040810204080)
"""Times a word whose bytes are 0 or 1: the top byte has the n-th byte as its n-th bit."""
_SEVEN, _TOP_BYTE = np.uint64(7), np.uint64(56)
_SWAPS = ((1, 0x5555555555555555), (2, 0x3333333333333333), (4, 0x0F0F0F0F0F0F0F0F))
_BY_1, _BY_2, _BY_4 = (np.uint64(by) for by, _ in _SWAPS)
_KEEP_1, _KEEP_2, _KEEP_4 = (np.uint64(keep) for _, keep in _SWAPS)

_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
"""Each of its 64 stretches of six bits is another: the lowest set bit times it has its place on top."""
_TOP_SIX = np.uint64(58)
_PLACES = np.empty(64, np.uint8)
for _place in range(64):
    _PLACES[(int(_DE_BRUIJN) << _place) % 2**64 >> int(_TOP_SIX)] = _place


@inlined
def filled_bytes(eight: np.uint64) -> np.uint64:
    """For each of eight bytes a bit, from the lowest on, that says whether the byte is not 0."""
    ones = ((((eight & _ALL_BUT_HIGHEST) + _ALL_BUT_HIGHEST) | eight) & _HIGHEST) >> _SEVEN
    return np.uint64((ones * _GATHER) >> _TOP_BYTE)


@inlined
def turned_bytes(word: np.uint64) -> np.uint64:
    """The word with the bits of each byte turned round: numpy's `packbits` puts the first voxel on top."""
    word = ((word >> _BY_1) & _KEEP_1) | ((word & _KEEP_1) << _BY_1)
    word = ((word >> _BY_2) & _KEEP_2) | ((word & _KEEP_2) << _BY_2)
    return np.uint64(((word >> _BY_4) & _KEEP_4) | ((word & _KEEP_4) << _BY_4))


@inlined
def append_ends(
    bits: np.uint64,
    before: np.uint64,
    x: int,
    first: NDArray[np.uint16],
    last: NDArray[np.uint16],
    firsts: int,
    lasts: int,
) -> tuple[int, int]:
    """Append where runs begin and end in 64 voxels from `x` on; how many beginnings and ends there are then.

    `before` is 1 where the voxel before the first is filled, else 0.
    """
    shifted = (bits << ONE) | before
    begins, ends = bits & ~shifted, shifted & ~bits
    while begins != NONE:
        first[firsts] = x + _trailing_zeros(begins)
        firsts += 1
        begins &= begins - ONE
    while ends != NONE:
        last[lasts] = x + _trailing_zeros(ends) - 1
        lasts += 1
        ends &= ends - ONE
    return firsts, lasts


@inlined
def _trailing_zeros(word: np.uint64) -> int:
    """The place of the lowest bit that is set."""
    return int(_PLACES[((word & (~word + ONE)) * _DE_BRUIJN) >> _TOP_SIX])
