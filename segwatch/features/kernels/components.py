"""Connected components of runs: a union-find over runs of neighbouring rows and slices.

Two rules. `26`: voxels that share a corner connect (scikit-image's connectivity 3, as the authors' code
reads the paper). `l1`: voxels within city-block distance 3 connect, as the paper's text can be read too;
exactly that is had by growing the mask by one voxel along each axis, labelling with 6 neighbours, and
giving each voxel the label that covers it.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segwatch.features.kernels.compiled import compiled
from segwatch.features.kernels.dilation import grow_runs
from segwatch.features.kernels.runs import Edges, RowStart, Runs, signed

Rule = Literal["26", "l1"]


@dataclass(frozen=True, slots=True)
class Components:
    """The connected components of a mask, numbered from 0 by their first voxel in raster order.

    Attributes:
        of_run: the component of each run.
        voxels: the number of voxels of each component.
        farthest: slices of one component that follow one another are at most this far apart.
    """

    of_run: NDArray[np.int32]
    voxels: NDArray[np.uint32]
    farthest: int

    @property
    def count(self) -> int:
        """How many components there are."""
        return len(self.voxels)

    @property
    def largest(self) -> int:
        """The component with most voxels; of several, the one whose first voxel comes first in raster order.

        Raises:
            ValueError: there is none.
        """
        return int(np.argmax(self.voxels))


def connect(runs: Runs, rule: Rule = "26") -> Components:
    """The components of a mask's runs under a rule."""
    ny = runs.shape[1]
    if rule == "26":
        of_run, count = _label(*runs.arrays, ny, 1)
    else:
        grown = grow_runs(runs)
        of_grown, count = _label(*grown.arrays, ny, 0)
        of_run = _covering(runs.first, runs.row_start, grown.last, grown.row_start, of_grown)
    return Components(of_run, _voxels(runs.first, runs.last, of_run, count), 1 if rule == "26" else 3)


@compiled
def _label(
    first: Edges, last: Edges, row_start: RowStart, ny: int, reach: int
) -> tuple[NDArray[np.int32], int]:
    """The component of each run. `reach` 1 joins runs that touch at corners, 0 those that share a face."""
    parent = np.empty(first.size, np.int32)
    for run in range(first.size):
        parent[run] = run
    for row in range(row_start.size - 1):
        begin, end = row_start[row], row_start[row + 1]
        if begin == end:
            continue
        y = row % ny
        if y > 0:
            _join(parent, first, last, row_start[row - 1], begin, begin, end, reach)
        if row >= ny:
            for neighbour in range(row - ny - min(reach, y), row - ny + min(reach, ny - 1 - y) + 1):
                _join(parent, first, last, row_start[neighbour], row_start[neighbour + 1], begin, end, reach)
    return parent, _number(parent)


@compiled
def _join(
    parent: NDArray[np.int32], first: Edges, last: Edges, a: int, a_end: int, b: int, b_end: int, reach: int
) -> None:
    """Unite the runs of two rows that touch, in one walk along both."""
    while a < a_end and b < b_end:
        if signed(last[a]) + reach < signed(first[b]):
            a += 1
        elif signed(last[b]) + reach < signed(first[a]):
            b += 1
        else:
            if parent[a] != parent[b]:  # most neighbours are known to be of one component already
                _unite(parent, a, b)
            if last[a] < last[b]:
                a += 1
            else:
                b += 1


@compiled
def _unite(parent: NDArray[np.int32], a: int, b: int) -> None:
    """The smaller root wins, so that a component's root is its first run."""
    a, b = _root(parent, a), _root(parent, b)
    if a < b:
        parent[b] = a
    elif b < a:
        parent[a] = b


@compiled
def _root(parent: NDArray[np.int32], run: int) -> int:
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run


@compiled
def _number(parent: NDArray[np.int32]) -> int:
    """Turn parents into component numbers, in place: a run's parent always stands before it."""
    count = 0
    for run in range(parent.size):
        if parent[run] == run:
            parent[run] = count
            count += 1
        else:
            parent[run] = parent[parent[run]]
    return count


@compiled
def _covering(
    first: Edges,
    row_start: RowStart,
    last_grown: Edges,
    row_start_grown: RowStart,
    of_grown: NDArray[np.int32],
) -> NDArray[np.int32]:
    """The label of the grown run that covers each run, which lies in the same row."""
    of_run = np.empty(first.size, np.int32)
    for row in range(row_start.size - 1):
        cover = row_start_grown[row]
        for run in range(row_start[row], row_start[row + 1]):
            while last_grown[cover] < first[run]:
                cover += 1
            of_run[run] = of_grown[cover]
    return _in_raster_order(of_run)


@compiled
def _in_raster_order(of_run: NDArray[np.int32]) -> NDArray[np.int32]:
    """Number components by their first voxel: growing can make another's grown run come first."""
    highest = -1
    for component in of_run:
        highest = max(highest, component)
    renamed = np.full(highest + 1, -1, np.int32)
    count = 0
    for run in range(of_run.size):
        if renamed[of_run[run]] < 0:
            renamed[of_run[run]] = count
            count += 1
        of_run[run] = renamed[of_run[run]]
    return of_run


@compiled
def _voxels(first: Edges, last: Edges, of_run: NDArray[np.int32], count: int) -> NDArray[np.uint32]:
    voxels = np.zeros(count, np.uint32)
    for run in range(first.size):
        voxels[of_run[run]] += signed(last[run]) - signed(first[run]) + 1
    return voxels
