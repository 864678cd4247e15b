"""Growing a mask by one voxel along each axis (the 6-neighbour cross), on its runs."""

import numpy as np
from numpy.typing import NDArray

from segwatch.features.kernels.compiled import compiled
from segwatch.features.kernels.runs import Edges, RowStart, Runs, first_and_last, grown, room, signed


def grow_runs(runs: Runs) -> Runs:
    """The runs of the mask grown by the 6-neighbour cross of radius 1; runs that meet are one."""
    nz, ny, nx = runs.shape
    return Runs(*_grow(*runs.arrays, nz, ny, nx), runs.shape)


@compiled
def _grow(
    first: Edges, last: Edges, row_start: RowStart, nz: int, ny: int, nx: int
) -> tuple[Edges, Edges, RowStart]:
    ends, row_start_out = room(nz * ny, nx)
    at = np.empty(5, np.int64)
    end = np.empty(5, np.int64)
    count = 0
    for row in range(nz * ny):
        _open_rows(row_start, row, nz, ny, at, end)
        if count + nx >= ends.size:  # a row has at most one end more than voxels
            ends = grown(ends)
        count = _merge(first, last, at, end, nx, ends, count)
        row_start_out[row + 1] = count // 2
    first_out, last_out = first_and_last(ends, count)
    return first_out, last_out, row_start_out


@compiled
def _open_rows(
    row_start: RowStart, row: int, nz: int, ny: int, at: NDArray[np.int64], end: NDArray[np.int64]
) -> None:
    """Where the runs of the row itself (place 0) and of its four neighbours begin and end."""
    z, y = row // ny, row % ny
    at[:] = 0
    end[:] = 0
    at[0], end[0] = row_start[row], row_start[row + 1]
    if y > 0:
        at[1], end[1] = row_start[row - 1], row_start[row]
    if y < ny - 1:
        at[2], end[2] = row_start[row + 1], row_start[row + 2]
    if z > 0:
        at[3], end[3] = row_start[row - ny], row_start[row - ny + 1]
    if z < nz - 1:
        at[4], end[4] = row_start[row + ny], row_start[row + ny + 1]


@compiled
def _merge(
    first: Edges, last: Edges, at: NDArray[np.int64], end: NDArray[np.int64], nx: int, ends: Edges, count: int
) -> int:
    """Append the union of five sorted rows of runs; the first of them grown by one at both ends."""
    over = -2  # a run may begin at −1, before it is cut
    while True:
        place, start = -1, nx
        for candidate in range(5):
            if at[candidate] < end[candidate]:
                x = signed(first[at[candidate]]) - (1 if candidate == 0 else 0)
                if x < start:
                    place, start = candidate, x
        if place < 0:
            return count
        stop = min(signed(last[at[place]]) + (2 if place == 0 else 1), nx)
        at[place] += 1
        if start > over:
            ends[count] = max(start, 0)
            count += 2
        over = max(over, stop)
        ends[count - 1] = over
