"""Where a mask's voxels lie: centre, extent, and shares on either side of a plane."""

import numpy as np
from numpy.typing import NDArray

from segwatch.features.kernels.compiled import compiled
from segwatch.features.kernels.runs import Edges, RowStart, Runs, signed


def centre_zx(runs: Runs) -> tuple[float, float]:
    """The mean z and x, in voxels, of a mask that holds something."""
    z, x = _sums(*runs.arrays, runs.shape[1])
    voxels = runs.voxels
    return float(z) / voxels, float(x) / voxels


def share_above_z(runs: Runs, z: float) -> float:
    """The share of voxels in slices above z (towards the head); a slice at z counts half."""
    per_slice = voxels_per_slice(runs)
    places = np.arange(len(per_slice))
    return float(np.average((places > z) + 0.5 * (places == z), weights=per_slice))


def share_above_x(runs: Runs, x: float) -> float:
    """The share of voxels beyond x (towards the patient's left); a voxel at x counts half."""
    return float(_above_x(runs.first, runs.last, x)) / (2 * runs.voxels)


def voxels_per_slice(runs: Runs) -> NDArray[np.int64]:
    """How many voxels each axial slice holds."""
    upto = np.concatenate(([0], np.cumsum(runs.last.astype(np.int64) - runs.first + 1)))
    return np.diff(upto[runs.row_start[:: runs.shape[1]]])


@compiled
def _sums(first: Edges, last: Edges, row_start: RowStart, ny: int) -> tuple[float, float]:
    sum_z, sum_x = 0.0, 0.0
    for row in range(row_start.size - 1):
        for run in range(row_start[row], row_start[row + 1]):
            a, b = signed(first[run]), signed(last[run])
            sum_z += (b - a + 1) * (row // ny)
            sum_x += (b - a + 1) * (a + b) / 2
    return sum_z, sum_x


@compiled
def _above_x(first: Edges, last: Edges, x: float) -> int:
    """Twice the number of voxels beyond x, those at x counted half."""
    twice = 0
    for run in range(first.size):
        a, b = signed(first[run]), signed(last[run])
        beyond = b - max(a, int(np.floor(x)) + 1) + 1
        twice += 2 * max(0, beyond)
        if x == np.floor(x) and a <= x <= b:
            twice += 1
    return twice
