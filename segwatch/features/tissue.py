"""The lung's tissue as a cheap rule sees it, on the coarser grid: what is dense, and how far it varies.

Each block of about 2.5 mm counts as lung, or as lesion, by its middle voxel; its CT value is the mean over
the block in plane, which takes most of the noise out. Dense is what is dense on the mean with the
neighbouring blocks of the lung, which takes vessels out. What is dense is judged by the scan itself: the
threshold lies `DENSE` of the way from the lung's lower quartile (aerated lung) to water, so that another
window, or a scanner that shifts all values, moves it along.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwatch.arrays import Flags
from segwatch.features.coarse import middle_of_blocks
from segwatch.features.kernels.compiled import compiled
from segwatch.features.reasons import NoValue, Reason

DENSE = 0.3
_NEIGHBOURS = 3
"""Along each axis, the block itself among them."""
TO_SPREAD = 1.4826
"""A normal distribution's standard deviation over its median absolute deviation."""


@dataclass(frozen=True)
class Tissue:
    """Blocks (z, y, x) of a scan.

    Attributes:
        hu: mean CT value of each block in plane.
        lung: whether its middle is lung.
        lesion: whether its middle is lesion.
    """

    hu: NDArray[np.float32]
    lung: Flags
    lesion: Flags

    @property
    def healthy_hu(self) -> NDArray[np.float32]:
        """The values of the lung that the mask leaves out.

        Raises:
            NoValue: the mask covers all of the lung.
        """
        values = self.hu[self.lung & ~self.lesion]
        if not values.size:
            raise NoValue(Reason.LUNG_ALL_LESION)
        return values

    @property
    def healthy(self) -> tuple[float, float]:
        """Median, and spread by the median absolute deviation, of the lung that the mask leaves out."""
        values = self.healthy_hu
        middle = np.median(values)
        return float(middle), float(np.median(np.abs(values - middle))) * TO_SPREAD

    @property
    def marked(self) -> Flags:
        """The lesion's blocks.

        Raises:
            NoValue: no block's middle is lesion.
        """
        if not self.lesion.any():
            raise NoValue(Reason.TOO_SMALL)
        return self.lesion

    @cached_property
    def dense(self) -> Flags:
        """The blocks in the lung that are denser than the scan's own threshold."""
        share = mean_of_neighbours(self.lung.astype(np.float32))
        smooth = mean_of_neighbours(np.where(self.lung, self.hu, np.float32(0)))
        smooth /= np.maximum(share, np.float32(0.5 / _NEIGHBOURS**3))
        return np.asarray(self.lung & (smooth > (1 - DENSE) * np.percentile(smooth[self.lung], 25)))

    @property
    def missed(self) -> float:
        """The share of dense lung that the mask leaves out.

        Raises:
            NoValue: nothing is dense, or no block's middle is lesion.
        """
        dense = self.dense
        if not dense.any():
            raise NoValue(Reason.NO_DENSE_LUNG)
        return float((dense & ~self.marked).sum() / dense.sum())


def tissue_of(
    ct: NDArray[Any], lung: NDArray[np.uint8], lesion: NDArray[np.uint8], step: tuple[int, int, int]
) -> Tissue:
    """A scan's tissue, from arrays (z, y, x) of one shape and the coarser grid's step."""
    middles = [middle_of_blocks(mask, step) != 0 for mask in (lung, lesion)]
    hu = np.empty(middles[0].shape, np.float32)
    _means(ct, step[0], step[1], step[2], hu)
    return Tissue(hu, *middles)


def mean_of_neighbours(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean over each block (z, y, x) and its 26 neighbours; beyond an edge stands the edge's block.

    To the last bit what `scipy.ndimage.uniform_filter` of size 3 gives, without the 110 MB that scipy is.
    """
    for axis in range(values.ndim):
        lines = np.ascontiguousarray(np.moveaxis(values, axis, -1))
        out = np.empty_like(lines)
        _line_means(lines.reshape(-1, lines.shape[-1]), out.reshape(-1, lines.shape[-1]))
        values = np.moveaxis(out, -1, axis)
    return np.ascontiguousarray(values)


@compiled
def _line_means(lines: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """A running mean along each line, summed in float64 in the order that scipy sums it in."""
    count = lines.shape[1]
    for row in range(lines.shape[0]):
        line = lines[row]
        total = np.float64(line[0]) + np.float64(line[0]) + np.float64(line[min(1, count - 1)])
        out[row, 0] = total / 3.0
        for at in range(1, count):
            leaving, coming = line[max(at - 2, 0)], line[min(at + 1, count - 1)]
            total += np.float64(coming) - np.float64(leaving)
            out[row, at] = total / 3.0


@compiled
def _means(ct: NDArray[Any], by_z: int, by_y: int, by_x: int, out: NDArray[np.float32]) -> None:
    """The mean of each block in its middle slice."""
    nz, ny, nx = ct.shape
    for z in range(out.shape[0]):
        middle = min(z * by_z + by_z // 2, nz - 1)
        for y in range(out.shape[1]):
            y1 = min((y + 1) * by_y, ny)
            for x in range(out.shape[2]):
                x1 = min((x + 1) * by_x, nx)
                total = 0.0
                for row in range(y * by_y, y1):
                    for column in range(x * by_x, x1):
                        total += ct[middle, row, column]
                out[z, y, x] = total / ((y1 - y * by_y) * (x1 - x * by_x))
