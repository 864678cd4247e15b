"""Exact Euclidean distances on a grid with its own spacing along each axis.

Squared distances separate by axes; along each, the lower envelope of parabolas gives them in linear time.
Source: Felzenszwalb and Huttenlocher, Distance transforms of sampled functions, Theory of Computing 2012.
"""

import numpy as np
from numpy.typing import NDArray

from segwatch.features.inputs import Spacing
from segwatch.features.kernels.compiled import compiled

FAR = np.float32(1e12)
"""A squared distance beyond any patient's: nothing of what is asked for is there at all."""


def distance_to(target: NDArray[np.bool_], spacing: Spacing) -> NDArray[np.float32]:
    """From each voxel (z, y, x) to the nearest voxel of `target`, centre to centre, in mm.

    Where `target` is empty every distance is 1e6.
    """
    squared = np.where(target, np.float32(0), FAR)
    for axis in (2, 1, 0):
        squared = _along(np.ascontiguousarray(np.moveaxis(squared, axis, 2)), np.float32(spacing[axis] ** 2))
        squared = np.moveaxis(squared, 2, axis)
    return np.sqrt(squared)


@compiled
def _along(squared: NDArray[np.float32], step2: np.float32) -> NDArray[np.float32]:
    """For each line along the last axis min over j of squared[j] + step2 · (i − j)²."""
    out = np.empty_like(squared)
    length = squared.shape[2]
    place = np.empty(length, np.int64)
    border = np.empty(length + 1, np.float64)
    for a in range(squared.shape[0]):
        for b in range(squared.shape[1]):
            _envelope(squared[a, b], step2, place, border, out[a, b])
    return out


@compiled
def _envelope(
    line: NDArray[np.float32],
    step2: np.float32,
    place: NDArray[np.int64],
    border: NDArray[np.float64],
    out: NDArray[np.float32],
) -> None:
    count = 0
    for j in range(line.size):
        if line[j] >= FAR:
            continue
        height = line[j] / step2 + j * j
        while count > 0:
            top = place[count - 1]
            cut = (height - (line[top] / step2 + top * top)) / (2 * (j - top))
            if cut > border[count - 1]:
                break
            count -= 1
        border[count] = -np.inf if count == 0 else cut
        place[count] = j
        count += 1
    if count == 0:
        out[:] = FAR
        return
    k = 0
    for i in range(line.size):
        while k + 1 < count and border[k + 1] < i:
            k += 1
        out[i] = line[place[k]] + step2 * (i - place[k]) ** 2
