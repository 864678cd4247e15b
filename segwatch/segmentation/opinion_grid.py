"""What a second opinion looks at: slabs of about 4 mm, 2.5 mm in plane, in the box around the lung.

The network reads no intensity as it is, only where a voxel stands among the voxels of its own lung: its rank,
and its distance from the lung's median in widths of the lung's spread. So it reads the same of a CT in HU, of
display values that were mapped to HU, and of an export with another window or curve.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from segwatch.volumes.image import Array, Mask

SLAB_MM, PLANE_MM = 4.0, 2.5
_MARGIN_MM = 15.0
"""Around the lung: what the network sees beside it."""
_LOW, _HIGH = -1100, 1500
"""HU beyond which ranks are not told apart."""
_FARTHEST = 3.0
"""Widths of the lung's spread at which the distance from its median is cut."""
_NARROWEST = 20.0
"""HU: no lung's spread is taken to be narrower."""

Levels = NDArray[np.float32]


@dataclass(frozen=True)
class OpinionGrid:
    """How a scan's voxels become the grid's.

    Attributes:
        slab: how many slices become one.
        shape: of the grid (z, y, x), over the whole plane.
        box: the lung's in plane, with a margin (y, x).
    """

    slab: int
    shape: tuple[int, int, int]
    box: tuple[slice, slice]

    def shares(self, mask: Mask) -> Levels:
        """The share of each of the grid's voxels (z, y, x) that a mask of the scan fills, about 0 to 1."""
        return _planes(_slabs(mask.view(np.uint8), self.slab), self.shape[1:])

    def majority(self, mask: Mask) -> Mask:
        """A mask of the scan on the grid: what it fills at least half of."""
        return np.asarray(self.shares(mask) >= 0.5)


@dataclass(frozen=True)
class LungView:
    """What the network reads of a scan, in the grid's box.

    Attributes:
        rank: share of the lung that is darker (z, y, x), 0 to 1.
        distance: from the lung's median, in widths of its middle 80 %, within ±3.
        lung: the lung mask.
    """

    rank: Levels
    distance: Levels
    lung: Mask

    def stacks(self) -> Levels:
        """The network's input (z, 7, y, x): ranks, then distances, of three slabs each; the lung."""
        order = np.arange(len(self.rank))
        near = [np.maximum(order - 1, 0), order, np.minimum(order + 1, len(order) - 1)]
        parts = [part[rows] for part in (self.rank, self.distance) for rows in near]
        return np.stack([*parts, self.lung.astype(np.float32)], axis=1)


def opinion_grid(
    lung: Mask, spacing_zyx_mm: tuple[float, float, float], slab: int | None = None
) -> OpinionGrid:
    """The grid of a scan by its lung mask (z, y, x), which holds something.

    Args:
        lung: the mask. spacing_zyx_mm: of the scan.
        slab: how many slices become one; about 4 mm where not given.
    """
    z, y, x = spacing_zyx_mm
    slab = slab or max(1, round(SLAB_MM / z))
    count = -(-lung.shape[0] // slab)
    height, width = (
        max(8, round(size * step / PLANE_MM)) for size, step in zip(lung.shape[1:], (y, x), strict=True)
    )
    rows, columns = (np.flatnonzero(lung.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    box = (
        _widened(rows, height / lung.shape[1], height),
        _widened(columns, width / lung.shape[2], width),
    )
    return OpinionGrid(slab, (count, height, width), box)


def lung_view(ct: Array, lung: Mask, grid: OpinionGrid) -> LungView | None:
    """What the network reads of a CT (z, y, x) in HU; None where no lung is left on the grid."""
    small = _planes(_slabs(ct, grid.slab), grid.shape[1:])
    box = (slice(None), *grid.box)
    levels, inside = small[box], grid.majority(lung)[box]
    if not inside.any():
        return None
    values = levels[inside]
    low, middle, high = np.quantile(values, (0.1, 0.5, 0.9))
    distance = (levels - middle) / max(float(high - low), _NARROWEST)
    clipped = np.clip(distance, -_FARTHEST, _FARTHEST).astype(np.float32)
    return LungView(_ranks(levels, values), clipped, inside)


def _ranks(levels: Levels, lung_values: Levels) -> Levels:
    """The share of the lung's values below each level, ties half: by a table of whole HU."""
    counts = np.bincount(_whole(lung_values), minlength=_HIGH - _LOW + 1)
    upto = np.cumsum(counts)
    table = np.asarray((upto - counts / 2) / upto[-1], np.float32)
    return np.asarray(table[_whole(levels)])


def _whole(levels: Levels) -> NDArray[np.int32]:
    return (np.clip(np.rint(levels), _LOW, _HIGH) - _LOW).astype(np.int32)


def _slabs(array: Array, slab: int) -> Levels:
    """Means over so many slices; the last slab may be thinner."""
    if slab == 1:
        return array.astype(np.float32)
    starts = np.arange(0, len(array), slab)
    kind = np.int32 if array.dtype.kind in "iu" else np.float32
    sums = [array[start : start + slab].sum(axis=0, dtype=kind) for start in starts]
    sizes = np.minimum(slab, len(array) - starts).astype(np.float32)
    return np.asarray(np.stack(sums) / sizes[:, None, None], np.float32)


def _planes(array: Levels, shape: tuple[int, int]) -> Levels:
    """Each plane at another size, averaged where it becomes smaller."""
    planes = torch.from_numpy(np.ascontiguousarray(array))[:, None]
    small = functional.interpolate(planes, size=shape, mode="bilinear", align_corners=False, antialias=True)
    return np.asarray(small[:, 0].numpy())


def _widened(filled: NDArray[np.intp], scale: float, size: int) -> slice:
    margin = round(_MARGIN_MM / PLANE_MM)
    first, last = int(filled[0] * scale) - margin, int(np.ceil((filled[-1] + 1) * scale)) + margin
    return slice(max(0, first), min(size, last))
