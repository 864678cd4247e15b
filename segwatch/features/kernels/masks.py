"""A mask that is kept as it came (bytes, bits or runs) and read as runs."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwatch.features.kernels.bits import encode_bits
from segwatch.features.kernels.compiled import compiled
from segwatch.features.kernels.runs import Edges, RowStart, Runs, encode_runs

Bytes = NDArray[np.uint8]
Bits = tuple[Bytes, tuple[int, int, int]]
"""What numpy's `packbits` made of a mask, flat, and the mask's shape (z, y, x)."""


class BinaryMask:
    """A binary mask (z, y, x) as it came, and its runs and its bytes where something needs them.

    Give exactly one of its forms; the other is made from it when first asked for.
    """

    def __init__(
        self, array: Bytes | None = None, *, runs: Runs | None = None, bits: Bits | None = None
    ) -> None:
        if [array is None, runs is None, bits is None].count(False) != 1:
            raise ValueError("a mask is made from bytes, from runs or from bits")
        self._array = array
        self._runs = runs
        self.bits = bits

    @cached_property
    def runs(self) -> Runs:
        """The filled stretches."""
        if self._runs is not None:
            return self._runs
        return encode_bits(*self.bits) if self.bits is not None else encode_runs(self.array)

    @cached_property
    def array(self) -> Bytes:
        """Bytes, every byte but 0 filled."""
        if self._array is not None:
            return self._array
        return decode_runs(self.runs)

    @property
    def has_array(self) -> bool:
        """Whether the bytes are there without being made."""
        return self._array is not None


def decode_runs(runs: Runs) -> Bytes:
    """The mask (z, y, x) that has these runs, 1 where it is filled."""
    filled: Any = np.zeros(runs.shape, np.uint8)
    _fill(*runs.arrays, filled.reshape(-1, runs.shape[2]))
    return np.asarray(filled)


@compiled
def _fill(first: Edges, last: Edges, row_start: RowStart, rows: Bytes) -> None:
    for row in range(row_start.size - 1):
        for run in range(row_start[row], row_start[row + 1]):
            for x in range(first[run], last[run] + 1):
                rows[row, x] = 1
