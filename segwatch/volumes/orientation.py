"""From a file's own axes to the canonical axial orientation: (z, y, x), towards superior, posterior, left.

An affine here is a 4 × 4 matrix from voxel indices (i, j, k) to DICOM's LPS coordinates in mm.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwatch.contracts.base import Geometry
from segwatch.volumes.image import SPACING_MM, Array, Volume
from segwatch.volumes.refusals import refused

MOST_TILT_DEGREES = 5.0
"""How far an axis may lean against the patient's. Beyond, slices are not axial, and slice-wise features
(segmentation smoothness) would mean something else; below, they keep the scanner's own voxels."""
MOST_SHEAR = 1e-3
"""The cosine that two axes may have between them; a stored affine is good to 1e-6, a tilted gantry is 0.02
at one degree."""
MOST_DISTANCE_VOXELS = 0.25
"""How far a mask's voxels may lie from its CT's: headers are rounded, a shift by half a voxel is an error."""

Affine = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Turning:
    """How a file's array becomes canonical.

    Attributes:
        order: for x, y and z of the patient, the file's axis that runs along it.
        flipped: for each of them, whether the file runs the other way.
        geometry: of the canonical array.
    """

    order: list[int]
    flipped: list[bool]
    geometry: Geometry

    def canonical(self, array: Array) -> Array:
        """The file's array (i, j, k) as (z, y, x) of the patient."""
        return np.ascontiguousarray(array.transpose(self.order[::-1])[self._flips])

    def as_in_file(self, array: Array) -> Array:
        """An array (z, y, x) of the patient as the file has it (i, j, k)."""
        return np.ascontiguousarray(array[self._flips].transpose(np.argsort(self.order[::-1])))

    @property
    def _flips(self) -> tuple[slice, ...]:
        return tuple(slice(None, None, -1 if flip else 1) for flip in self.flipped[::-1])


def canonical(array: Array, affine: Affine, name: str) -> Volume:
    """The array (i, j, k) turned so that its axes are (z, y, x) of the patient. Voxels are only moved.

    Raises:
        RefusedVolume: bad_spacing, sheared or oblique.
    """
    turn = turning(array.shape, affine, name)
    return Volume(turn.canonical(array), turn.geometry)


def turning(shape: tuple[int, ...], affine: Affine, name: str) -> Turning:
    """How an array (i, j, k) of that shape is turned; raises as `canonical` does."""
    spacing = _spacing(affine, name)
    axes = affine[:3, :3] / spacing
    order = _order(axes, name)
    flipped = [bool(axes[patient, voxel] < 0) for patient, voxel in enumerate(order)]
    first = [shape[voxel] - 1 if flip else 0 for voxel, flip in sorted(zip(order, flipped, strict=True))]
    origin = affine[:3, 3] + affine[:3, :3] @ np.asarray(first, np.float64)
    directions = [axes[:, voxel] * (-1 if flip else 1) for voxel, flip in zip(order, flipped, strict=True)]
    # Adding 0.0 turns a negative zero into the plain one.
    geometry = Geometry(
        shape_zyx=_three(shape[voxel] for voxel in order[::-1]),
        spacing_zyx_mm=_three(float(spacing[voxel]) for voxel in order[::-1]),
        origin_xyz_mm=_three(float(v) + 0.0 for v in origin),
        direction=tuple(float(v) + 0.0 for v in np.concatenate(directions)),  # type: ignore[arg-type] # nine
    )
    return Turning(order, flipped, geometry)


def affine_of(geometry: Geometry) -> Affine:
    """The affine of a canonical volume: from (x, y, z) indices to LPS mm."""
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(geometry.direction, (3, 3)).T * geometry.spacing_zyx_mm[::-1]
    affine[:3, 3] = geometry.origin_xyz_mm
    return affine


def distance_in_voxels(one: Affine, other: Affine, shape: tuple[int, ...]) -> float:
    """The largest distance between the corners of two boxes of this shape (i, j, k), in voxels of `one`."""
    corners = np.array(np.meshgrid(*[(0, size - 1) for size in shape], [1], indexing="ij")).reshape(4, -1)
    apart = np.linalg.inv(one) @ ((other - one) @ corners)
    return float(np.abs(apart[:3]).max())


def _spacing(affine: Affine, name: str) -> NDArray[np.float64]:
    spacing: NDArray[np.float64] = np.linalg.norm(affine[:3, :3], axis=0)
    least, most = SPACING_MM
    if not np.isfinite(affine).all() or not ((least <= spacing) & (spacing <= most)).all():
        raise refused(
            "bad_spacing",
            name,
            f"the distance between voxels is not {least:g} to {most:g} mm; export it again with its spacing",
        )
    return spacing


def _order(axes: NDArray[np.float64], name: str) -> list[int]:
    """For x, y and z of the patient, the array's axis that runs along it."""
    cosines = axes.T @ axes - np.eye(3)
    if np.abs(cosines).max() > MOST_SHEAR:
        raise refused(
            "sheared",
            name,
            "its axes are not at right angles (a tilted gantry?); resample it to right angles first",
        )
    order = [int(voxel) for voxel in np.abs(axes).argmax(axis=1)]
    tilt = np.degrees(np.arccos(np.clip(np.abs(axes).max(axis=1), 0, 1)))
    if sorted(order) != [0, 1, 2] or tilt.max() > MOST_TILT_DEGREES:
        raise refused(
            "oblique",
            name,
            f"it is tilted by {tilt.max():.1f} degrees against the patient's axes and at most "
            f"{MOST_TILT_DEGREES:g} are allowed; resample it to axial slices first",
        )
    return order


def _three(values: Any) -> tuple[Any, Any, Any]:  # noqa: ANN401 - whole numbers and floats alike
    one, two, three = values
    return one, two, three
