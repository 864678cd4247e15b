"""Planes of a mask, wherever they lie, put onto the voxels of its CT.

Nothing is interpolated: a plane's pixels must be voxels of the CT. Rows may run along any axis, either way.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segwatch.contracts.base import Geometry
from segwatch.volumes.image import Mask
from segwatch.volumes.orientation import MOST_DISTANCE_VOXELS, affine_of
from segwatch.volumes.refusals import refused

Vector = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Plane:
    """Where a plane's pixels lie: as `ImagePositionPatient`, `ImageOrientationPatient` and `PixelSpacing`."""

    position: Vector
    orientation: Vector
    spacing: Vector


class Canvas:
    """An empty mask on a CT's voxels (z, y, x), to put planes on."""

    def __init__(self, like: Geometry, name: str) -> None:
        self.mask: Mask = np.zeros(like.shape_zyx, np.bool_)
        self._to_voxels = np.linalg.inv(affine_of(like))
        self._shape_xyz = like.shape_zyx[::-1]
        self._name = name

    def put(self, pixels: Mask, plane: Plane) -> None:
        """Add the filled pixels (row, column) of a plane.

        Raises:
            RefusedVolume: affine_mismatch, a filled pixel lies on no voxel of the CT.
        """
        rows, columns = (np.flatnonzero(pixels.any(axis=axis)) for axis in (1, 0))
        if not rows.size:
            return
        box = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        start, along = self._steps(plane, pixels.shape)
        ends = start + np.array([[rows[0], columns[0]], [rows[-1], columns[-1]]]) @ along
        low, high = ends.min(axis=0), ends.max(axis=0)
        if (low < 0).any() or (high >= self._shape_xyz).any():
            self._refuse("some of it lies outside the CT")
        z, y, x = (slice(low[axis], high[axis] + 1) for axis in (2, 1, 0))
        self.mask[z, y, x] |= _turned(box, along).reshape(self.mask[z, y, x].shape)

    def _steps(self, plane: Plane, shape: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The voxel (x, y, z) of the first pixel, and by how many it moves along rows, and along columns."""
        along_columns, along_rows = np.reshape(plane.orientation, (2, 3))
        steps = np.stack([along_rows * plane.spacing[0], along_columns * plane.spacing[1]])
        exact = steps @ self._to_voxels[:3, :3].T
        first = self._to_voxels[:3, :3] @ plane.position + self._to_voxels[:3, 3]
        whole, start = np.rint(exact).astype(np.int64), np.rint(first).astype(np.int64)
        drift = np.abs(exact - whole) * (np.array(shape)[:, None] - 1)
        if not (np.abs(whole).sum(axis=1) == 1).all() or abs(whole[0] @ whole[1]):
            self._refuse("its pixels have another size or direction than the CT's voxels")
        if (drift.sum(axis=0) + np.abs(first - start)).max() > MOST_DISTANCE_VOXELS:
            self._refuse("its pixels lie between the CT's voxels")
        return start, whole

    def _refuse(self, problem: str) -> None:
        raise refused("affine_mismatch", self._name, f"{problem}; make the mask on this CT's voxels")


def _turned(pixels: Mask, along: NDArray[np.int64]) -> Mask:
    """The pixels (row, column) in the order of the CT's axes (z, y, x), by the steps along both."""
    row, column = (int(np.abs(step).argmax()) for step in along)
    turned = pixels[:: int(along[0, row]), :: int(along[1, column])]
    return turned if row > column else turned.T  # of x, y and z the array has the last first
