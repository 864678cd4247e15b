"""A coarser grid for distances, of about 2.5 mm: a distance map on the full grid would cost a second.

Along each axis a block is as many voxels as come nearest to 2.5 mm, and at least one. A block is lesion
where any of its voxels is, so that nothing small is lost, and lung where its middle voxel is. Distances are
between blocks' middles, so they are good to about one block.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from segwatch.arrays import Flags
from segwatch.features.inputs import Spacing
from segwatch.features.kernels.compiled import compiled
from segwatch.features.kernels.distance import distance_to
from segwatch.features.kernels.runs import Edges, RowStart, Runs, signed
from segwatch.features.reasons import NoValue, Reason

BLOCK_MM = 2.5
RIM_MM = (3.0, 8.0)


@dataclass(frozen=True)
class Coarse:
    """Lesion and lung in blocks.

    Attributes:
        lesion_voxels: how many lesion voxels each block (z, y, x) holds.
        lung: whether the block's middle is lung.
        step: voxels in a block along z, y, x.
        spacing: of the blocks, in mm.
    """

    lesion_voxels: NDArray[np.int32]
    lung: Flags
    step: tuple[int, int, int]
    spacing: Spacing

    @cached_property
    def lesion(self) -> Flags:
        """Whether a block holds lesion."""
        return self.lesion_voxels > 0

    def mean_depth(self) -> float:
        """Mean distance in mm of the lesion's voxels in the lung to where the lung ends."""
        weights = np.where(self.lung, self.lesion_voxels, 0)
        if not weights.any():
            raise NoValue(Reason.NO_LESION_INSIDE)
        if self.lung.all():
            raise NoValue(Reason.NO_LUNG_BORDER)
        box = _box(self.lung, 1)
        return float(np.average(distance_to(~self.lung[box], self.spacing), weights=weights[box]))

    def share_beyond(self, millimetres: float) -> float:
        """Share of the lesion's voxels that lie outside the lung by more than so many mm."""
        outside = np.where(self.lung, 0, self.lesion_voxels)
        if not outside.any():
            return 0.0
        box = _box(self.lung | (outside > 0), 0)
        far = distance_to(self.lung[box], self.spacing) > millimetres
        return float(outside[box][far].sum() / self.lesion_voxels.sum())

    def rim(self) -> tuple[Flags, tuple[slice, slice, slice]]:
        """The lung's blocks 3 to 8 mm around the lesion, within a box around it, and that box."""
        margin = max(int(np.ceil(RIM_MM[1] / step)) for step in self.spacing)
        box = _box(self.lesion, margin)
        distance = distance_to(self.lesion[box], self.spacing)
        return self.lung[box] & (distance >= RIM_MM[0]) & (distance <= RIM_MM[1]), box


def coarsen(lesion: Runs, lung: NDArray[np.uint8], spacing: Spacing) -> Coarse:
    """Lesion and lung (z, y, x), of one shape, on the coarser grid."""
    z, y, x = (max(1, round(BLOCK_MM / mm)) for mm in spacing)
    counts = np.zeros(
        [-(-size // step) for size, step in zip(lesion.shape, (z, y, x), strict=True)], np.int32
    )
    _count_blocks(*lesion.arrays, lesion.shape[1], z, y, x, counts)
    middles = middle_of_blocks(lung, (z, y, x)) != 0
    return Coarse(counts, middles, (z, y, x), (spacing[0] * z, spacing[1] * y, spacing[2] * x))


def middle_of_blocks(array: NDArray[np.generic], step: tuple[int, int, int]) -> NDArray[np.generic]:
    """The array (z, y, x) at each block's middle voxel; at a cut-off block's, its last voxel."""
    places = [
        np.minimum(np.arange(-(-size // by)) * by + by // 2, size - 1)
        for size, by in zip(array.shape, step, strict=True)
    ]
    return array[np.ix_(*places)]


def _box(flags: Flags, margin: int) -> tuple[slice, slice, slice]:
    """The smallest box that holds all that is set, and so many blocks around it."""
    slices = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        places = np.flatnonzero(flags.any(axis=others))
        slices.append(slice(max(0, int(places[0]) - margin), int(places[-1]) + margin + 1))
    return slices[0], slices[1], slices[2]


@compiled
def _count_blocks(
    first: Edges,
    last: Edges,
    row_start: RowStart,
    ny: int,
    by_z: int,
    by_y: int,
    by_x: int,
    counts: NDArray[np.int32],
) -> None:
    for row in range(row_start.size - 1):
        z, y = row // ny // by_z, row % ny // by_y
        for run in range(row_start[row], row_start[row + 1]):
            for x in range(signed(first[run]), signed(last[run]) + 1):
                counts[z, y, x // by_x] += 1
