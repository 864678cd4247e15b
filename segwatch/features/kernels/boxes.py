"""Smoothness as the authors' published code has it: within each component's bounding box.

Source: the authors' repository, `mp/utils/feature_extractor.py` (`get_dice_averages`): the mask is cut to
the component's box, so that a neighbour's voxels there count as well; a component without a pair makes the
mean undefined; where no component has more voxels than the limit, all components are taken.
"""

import numpy as np
from numpy.typing import NDArray

from segwatch.features.kernels.compiled import compiled
from segwatch.features.kernels.components import Components
from segwatch.features.kernels.runs import Edges, RowStart, Runs, signed


def box_overlap(mask: NDArray[np.uint8], runs: Runs, components: Components, over: int) -> float | None:
    """Mean over components of more than `over` voxels of the mean Dice of consecutive slices along z.

    Args:
        mask: (z, y, x) of bytes, where every byte but 0 is filled; its runs and components beside it.

    Returns:
        None where one of the components has no pair of different slices.
    """
    chosen = components.voxels > over
    if not chosen.any():
        chosen[:] = True
    boxes = _boxes(*runs.arrays, components.of_run, components.count, runs.shape[1])
    mean = float(_mean_of_boxes(mask, boxes, chosen))
    return None if np.isnan(mean) else mean


@compiled
def _boxes(
    first: Edges, last: Edges, row_start: RowStart, of_run: NDArray[np.int32], count: int, ny: int
) -> NDArray[np.int32]:
    """For each component z0, z1, y0, y1, x0, x1, the ends exclusive."""
    boxes = np.zeros((count, 6), np.int32)
    for row in range(row_start.size - 1):
        z, y = row // ny, row % ny
        for run in range(row_start[row], row_start[row + 1]):
            box = boxes[of_run[run]]
            a, b = signed(first[run]), signed(last[run]) + 1
            if box[1] == 0:
                box[:] = np.array([z, z + 1, y, y + 1, a, b])
            else:
                box[1] = z + 1
                box[2], box[3] = min(box[2], y), max(box[3], y + 1)
                box[4], box[5] = min(box[4], a), max(box[5], b)
    return boxes


@compiled
def _mean_of_boxes(mask: NDArray[np.uint8], boxes: NDArray[np.int32], chosen: NDArray[np.bool_]) -> float:
    """NaN where it is NaN for one of those chosen."""
    total, count = 0.0, 0
    for component in range(chosen.size):
        if chosen[component]:
            z0, z1, y0, y1, x0, x1 = boxes[component]
            total += _mean_dice(mask[z0:z1, y0:y1, x0:x1])
            count += 1
    return total / count


@compiled
def _mean_dice(box: NDArray[np.uint8]) -> float:
    """Mean Dice of consecutive slices along the first axis, pairs identical or empty left out; else NaN."""
    total, pairs = 0.0, 0
    for z in range(box.shape[0] - 1):
        filled, shared = 0, 0
        for y in range(box.shape[1]):
            for x in range(box.shape[2]):
                a, b = box[z, y, x] != 0, box[z + 1, y, x] != 0
                filled += int(a) + int(b)
                shared += int(a and b)
        if 2 * shared != filled:
            total += 2 * shared / filled
            pairs += 1
    return total / pairs
