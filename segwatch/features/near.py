"""Where features look at the CT: in boxes around the lesion, one for each slice."""

import math
from collections.abc import Set as AbstractSet

import numpy as np
from numpy.typing import NDArray

from segwatch.features.card import Cost
from segwatch.features.coarse import BLOCK_MM, RIM_MM
from segwatch.features.inputs import Spacing
from segwatch.features.kernels.compiled import compiled
from segwatch.features.kernels.runs import WIDEST, Edges, RowStart, Runs, signed


def margin_voxels(costs: AbstractSet[Cost], spacing: Spacing) -> tuple[int, int, int]:
    """How far from the lesion, in voxels along z, y and x, features of these costs look at the CT."""
    if "lung" in costs:
        return WIDEST, WIDEST, WIDEST
    if "distance" in costs:
        # A block that holds lesion may begin a block before it, and the rim's are sampled in their middle.
        far = RIM_MM[1] + 2 * BLOCK_MM
        z, y, x = (math.ceil(far / step) + 1 for step in spacing)
        return z, y, x
    return (0, 0, 1) if "cheap" in costs else (0, 0, 0)


def boxes_near(runs: Runs, margin: tuple[int, int, int]) -> NDArray[np.int64]:
    """For each slice y0, y1, x0, x1, ends exclusive: a box with all lesion in the margin; else all 0."""
    nz, ny, nx = runs.shape
    own = _boxes(*runs.arrays, ny)
    if margin == (0, 0, 0):
        return own
    if min(margin) >= max(runs.shape):
        return np.tile(np.array([0, ny, 0, nx], np.int64), (nz, 1))
    boxes = np.zeros((nz, 4), np.int64)
    for z in range(nz):
        close = own[max(0, z - margin[0]) : z + margin[0] + 1]
        close = close[close[:, 1] > 0]
        if len(close):
            y0, x0 = close[:, 0].min() - margin[1], close[:, 2].min() - margin[2]
            y1, x1 = close[:, 1].max() + margin[1], close[:, 3].max() + margin[2]
            boxes[z] = max(0, y0), min(ny, y1), max(0, x0), min(nx, x1)
    return boxes


@compiled
def _boxes(first: Edges, last: Edges, row_start: RowStart, ny: int) -> NDArray[np.int64]:
    boxes = np.zeros(((row_start.size - 1) // ny, 4), np.int64)
    for row in range(row_start.size - 1):
        begin, end = row_start[row], row_start[row + 1]
        if begin == end:
            continue
        box, y = boxes[row // ny], row % ny
        if box[1] == 0:
            box[0], box[2] = y, signed(first[begin])
        box[1] = y + 1
        box[2] = min(box[2], signed(first[begin]))
        box[3] = max(box[3], signed(last[end - 1]) + 1)
    return boxes
