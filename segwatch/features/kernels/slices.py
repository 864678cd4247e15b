"""How alike consecutive axial slices of each component are (the paper's segmentation smoothness).

Source: the paper, section 2.2: "average Dice between consecutive slices", for each connected component.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segwatch.features.kernels.compiled import compiled
from segwatch.features.kernels.components import Components
from segwatch.features.kernels.runs import Edges, RowStart, Runs, signed


@dataclass(frozen=True, slots=True)
class SliceOverlap:
    """Sum over components of each one's mean Dice of slice pairs, and how many components have a pair."""

    total: float
    components: int

    @property
    def mean(self) -> float | None:
        """The unweighted mean over components, or None where no component has a pair."""
        return self.total / self.components if self.components else None


def slice_overlap(runs: Runs, components: Components, least_voxels: int = 1) -> SliceOverlap:
    """Overlap of consecutive slices along z, of the components with at least so many voxels.

    Pairs that are identical, or both empty, are left out by integer arithmetic; an empty slice beside a
    filled one counts 0. Two components never share an overlap: runs that overlap in the same row of
    consecutive slices are always of one component.
    """
    if runs.count == 0:
        return SliceOverlap(0.0, 0)
    total, count = _overlap(
        *runs.arrays, components.of_run, components.voxels, components.farthest, runs.shape[1], least_voxels
    )
    return SliceOverlap(float(total), int(count))


@compiled
def _overlap(
    first: Edges,
    last: Edges,
    row_start: RowStart,
    of_run: NDArray[np.int32],
    voxels: NDArray[np.uint32],
    farthest: int,
    ny: int,
    least_voxels: int,
) -> tuple[float, int]:
    """One pass over slices. Only components that can still go on hold a slot, so memory stays small."""
    slots = min(voxels.size, (farthest + 1) * _most_runs(row_start, ny))
    slot_of = np.full(voxels.size, -1, np.int32)
    free = np.arange(slots - 1, -1, -1).astype(np.int32)
    active = np.empty(slots, np.int32)
    # For each slot: voxels in this slice and in the last one held, shared voxels, last slice, pairs.
    state = np.zeros((slots, 5), np.int64)
    dice = np.zeros(slots)
    n_active, total, count = 0, 0.0, 0
    for z in range((row_start.size - 1) // ny):
        begin, end = row_start[z * ny], row_start[(z + 1) * ny]
        for run in range(begin, end):
            component = of_run[run]
            if voxels[component] < least_voxels:
                continue
            slot = slot_of[component]
            if slot < 0:
                slot = free[slots - 1 - n_active]
                slot_of[component] = slot
                active[n_active] = slot
                n_active += 1
                state[slot, :] = 0
                state[slot, 3] = -2  # none yet
                dice[slot] = 0.0
            state[slot, 0] += signed(last[run]) - signed(first[run]) + 1
        if z > 0 and end > begin:
            _share(first, last, row_start, of_run, slot_of, z, ny, state)
        n_active, total, count = _close_slice(z, farthest, active, free, n_active, state, dice, total, count)
    for place in range(n_active):
        if state[active[place], 4] > 0:
            total += dice[active[place]] / state[active[place], 4]
            count += 1
    return total, count


@compiled
def _most_runs(row_start: RowStart, ny: int) -> int:
    most = 0
    for z in range((row_start.size - 1) // ny):
        most = max(most, row_start[(z + 1) * ny] - row_start[z * ny])
    return most


@compiled
def _share(
    first: Edges,
    last: Edges,
    row_start: RowStart,
    of_run: NDArray[np.int32],
    slot_of: NDArray[np.int32],
    z: int,
    ny: int,
    state: NDArray[np.int64],
) -> None:
    """Count the voxels that a slice shares with the one before it, for each component."""
    for row in range(z * ny, (z + 1) * ny):
        a, a_end = row_start[row - ny], row_start[row - ny + 1]
        b, b_end = row_start[row], row_start[row + 1]
        while a < a_end and b < b_end:
            low = max(signed(first[a]), signed(first[b]))
            high = min(signed(last[a]), signed(last[b]))
            slot = slot_of[of_run[b]]
            if low <= high and slot >= 0:
                state[slot, 2] += high - low + 1
            if last[a] < last[b]:
                a += 1
            else:
                b += 1


@compiled
def _close_slice(
    z: int,
    farthest: int,
    active: NDArray[np.int32],
    free: NDArray[np.int32],
    n_active: int,
    state: NDArray[np.int64],
    dice: NDArray[np.float64],
    total: float,
    count: int,
) -> tuple[int, float, int]:
    """Add each component's pair that ends here; give back the slots of those that cannot go on."""
    kept = 0
    slots = active.size
    for place in range(n_active):
        slot = active[place]
        here, before, shared, last_slice, pairs = state[slot]
        if here > 0:
            if last_slice == z - 1 and 2 * shared != here + before:
                dice[slot] += 2 * shared / (here + before)
                state[slot, 4] = pairs + 1
            elif 0 <= last_slice < z - 1:  # the gap gives two pairs with one empty side
                state[slot, 4] = pairs + 2
            state[slot, 0], state[slot, 1], state[slot, 2], state[slot, 3] = 0, here, 0, z
        elif z - last_slice >= farthest:
            if pairs > 0:
                total += dice[slot] / pairs
                count += 1
            free[slots - n_active + place - kept] = slot
            continue
        active[kept] = slot
        kept += 1
    return kept, total, count
