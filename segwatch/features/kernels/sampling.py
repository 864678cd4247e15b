"""What lies under a mask's runs: intensities of the CT, and voxels of another mask."""

from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwatch.features.kernels.bits import as_words
from segwatch.features.kernels.compiled import compiled
from segwatch.features.kernels.components import Components
from segwatch.features.kernels.masks import BinaryMask
from segwatch.features.kernels.runs import Edges, RowStart, Runs, signed
from segwatch.features.kernels.vectors import LANES, bits_set, filled_lanes
from segwatch.features.kernels.words import filled, lowest, summed, turned_bytes


@dataclass(frozen=True, slots=True)
class Intensities:
    """Mean and standard deviation of the CT over some voxels, and how many lie beyond two bounds."""

    count: int
    mean: float
    deviation: float
    below: int
    above: int


def mean_of_component(ct: NDArray[Any], runs: Runs, components: Components, component: int) -> float:
    """Mean of the CT (z, y, x) over one component: the maximum-likelihood mean of a Gaussian.

    The sum over an integer CT is exact.
    """
    total = _sum(ct, *runs.arrays, components.of_run == component)
    return float(total) / int(components.voxels[component])


def intensities(ct: NDArray[Any], runs: Runs, low: float, high: float) -> Intensities:
    """Moments of the CT (z, y, x) over all runs, and how many voxels are below `low` or above `high`."""
    count = runs.voxels
    mean = float(_sum(ct, *runs.arrays, np.ones(runs.count, np.bool_))) / count
    squares, below, above = _spread(ct, *runs.arrays, mean, low, high)
    return Intensities(count, mean, float(np.sqrt(squares / count)), int(below), int(above))


def any_filled(mask: BinaryMask) -> bool:
    """Whether a mask holds anything; bytes are read from the middle slice on, where lungs are."""
    if mask.bits is not None:
        return bool(mask.bits[0].any())
    if not mask.has_array:
        return mask.runs.count > 0
    middle = len(mask.array) // 2
    return any(bool(axial.any()) for axial in chain(mask.array[middle:], mask.array[:middle]))


def count_inside(mask: BinaryMask, runs: Runs) -> int:
    """How many voxels of the runs are filled in another mask of the same shape."""
    if mask.has_array:
        return int(_count_bytes(mask.array, *runs.arrays))
    if mask.bits is not None and runs.shape[2] % LANES == 0:
        return int(_count_bits(as_words(*mask.bits), *runs.arrays))
    other = mask.runs
    return int(_count_shared(*runs.arrays, *other.arrays))


def mean_edge_step(ct: NDArray[Any], runs: Runs) -> float | None:
    """Mean absolute difference of the CT between the ends of runs and the voxel outside, along x.

    None where every run ends at the volume's border.
    """
    total, ends = _edge_steps(ct, *runs.arrays)
    return float(total) / int(ends) if ends else None


@compiled
def _sum(
    ct: NDArray[Any], first: Edges, last: Edges, row_start: RowStart, wanted: NDArray[np.bool_]
) -> float:
    """Over the runs that are wanted."""
    total: float = 0
    ny, nx = ct.shape[1:]
    for z in range(ct.shape[0]):
        if not wanted[row_start[z * ny] : row_start[(z + 1) * ny]].any():  # nor need it be copied
            continue
        axial = np.ascontiguousarray(ct[z]).reshape(-1)
        for y in range(ny):
            for run in range(row_start[z * ny + y], row_start[z * ny + y + 1]):
                if wanted[run]:
                    total += summed(axial, y * nx + first[run], y * nx + last[run] + 1)
    return total


@compiled
def _spread(
    ct: NDArray[Any], first: Edges, last: Edges, row_start: RowStart, mean: float, low: float, high: float
) -> tuple[float, int, int]:
    ny = ct.shape[1]
    squares, below, above = 0.0, 0, 0
    for row in range(row_start.size - 1):
        for run in range(row_start[row], row_start[row + 1]):
            for value in ct[row // ny, row % ny, first[run] : signed(last[run]) + 1]:
                squares += (value - mean) ** 2
                below += value < low
                above += value > high
    return squares, below, above


@compiled
def _count_bytes(mask: NDArray[np.uint8], first: Edges, last: Edges, row_start: RowStart) -> int:
    inside = 0
    ny, nx = mask.shape[1:]
    for z in range(mask.shape[0]):
        if row_start[z * ny] == row_start[(z + 1) * ny]:  # what need not be read need not be copied
            continue
        axial = np.ascontiguousarray(mask[z]).reshape(-1)
        for y in range(ny):
            for run in range(row_start[z * ny + y], row_start[z * ny + y + 1]):
                at, end = y * nx + first[run], y * nx + last[run] + 1
                while at + LANES <= end:
                    inside += bits_set(filled_lanes(axial, at))
                    at += LANES
                if at < end:
                    inside += bits_set(filled(axial, at, end))
    return inside


@compiled
def _count_shared(
    first: Edges,
    last: Edges,
    row_start: RowStart,
    other_first: Edges,
    other_last: Edges,
    other_start: RowStart,
) -> int:
    shared = 0
    for row in range(row_start.size - 1):
        a, b = row_start[row], other_start[row]
        while a < row_start[row + 1] and b < other_start[row + 1]:
            low = max(signed(first[a]), signed(other_first[b]))
            high = min(signed(last[a]), signed(other_last[b]))
            shared += max(0, high - low + 1)
            if last[a] < other_last[b]:
                a += 1
            else:
                b += 1
    return shared


@compiled
def _edge_steps(ct: NDArray[Any], first: Edges, last: Edges, row_start: RowStart) -> tuple[float, int]:
    ny, nx = ct.shape[1], ct.shape[2]
    total, ends = 0.0, 0
    for row in range(row_start.size - 1):
        z, y = row // ny, row % ny
        for run in range(row_start[row], row_start[row + 1]):
            a, b = signed(first[run]), signed(last[run])
            if a > 0:
                total += abs(float(ct[z, y, a]) - float(ct[z, y, a - 1]))
                ends += 1
            if b < nx - 1:
                total += abs(float(ct[z, y, b]) - float(ct[z, y, b + 1]))
                ends += 1
    return total, ends


@compiled
def _count_bits(words: NDArray[np.uint64], first: Edges, last: Edges, row_start: RowStart) -> int:
    inside = 0
    for row in range(row_start.size - 1):
        for run in range(row_start[row], row_start[row + 1]):
            begin, end = signed(first[run]), signed(last[run]) + 1
            for place in range(begin // LANES, (end - 1) // LANES + 1):
                window = lowest(min(end - LANES * place, LANES))
                before = np.uint64(max(begin - LANES * place, 0))
                inside += bits_set((turned_bytes(words[row, place]) & window) >> before)
    return inside
