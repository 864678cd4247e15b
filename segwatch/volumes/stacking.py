"""From the slices of a series to one box of voxels, or a clear reason why they make none."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segwatch.volumes.dicom_slices import Slice
from segwatch.volumes.one_series import check_numbering, check_one_acquisition
from segwatch.volumes.orientation import Affine
from segwatch.volumes.refusals import refused

SAME_PLACE_MM = 0.01
"""Two slices nearer than this are at one place."""
GAP = 1.5
"""A distance of this many usual distances is a missing slice."""
MOST_UNEVEN = 0.2
"""How far a slice may lie from its even place, in slice distances. Positions are often rounded to 0.1 mm."""
_SAME_DIRECTION = 1e-3
_SAME_SPACING = 1e-4


def stack(slices: Sequence[Slice]) -> tuple[list[Slice], Affine]:
    """The slices in order along their normal, and the affine from (column, row, slice) to LPS mm.

    Raises:
        RefusedVolume: varying_geometry, mixed_series, duplicate_slices, missing_slices, varying_spacing or
            bad_spacing.
    """
    first = slices[0]
    for each in slices:
        _check_alike(first, each)
    along_columns, along_rows = np.reshape(first.orientation, (2, 3))
    normal = np.cross(along_columns, along_rows)
    ordered = sorted(slices, key=lambda each: float(normal @ each.position))
    check_one_acquisition(ordered)
    step = _step(ordered, normal)
    check_numbering(ordered)
    affine = np.eye(4)
    affine[:3, 0] = along_columns * first.spacing[1]
    affine[:3, 1] = along_rows * first.spacing[0]
    affine[:3, 2] = step
    affine[:3, 3] = ordered[0].position
    return ordered, affine


def _check_alike(first: Slice, each: Slice) -> None:
    if (
        (first.rows, first.columns) != (each.rows, each.columns)
        or not np.allclose(first.orientation, each.orientation, rtol=0, atol=_SAME_DIRECTION)
        or not np.allclose(first.spacing, each.spacing, rtol=0, atol=_SAME_SPACING)
    ):
        raise refused(
            "varying_geometry",
            each.path.name,
            f"it differs from {first.path.name} of the same series in size, spacing or orientation; "
            "send one reconstruction at a time",
        )


def _step(ordered: Sequence[Slice], normal: NDArray[np.float64]) -> NDArray[np.float64]:
    """The vector from a slice to the next."""
    if len(ordered) == 1:
        if not ordered[0].thickness:
            problem = "a single slice without thickness; export it again with SliceThickness"
            raise refused("bad_spacing", ordered[0].path.name, problem)
        return normal * ordered[0].thickness
    positions = np.array([each.position for each in ordered])
    gaps = np.diff(positions @ normal)
    usual = float(np.median(gaps))
    if gaps.min() < SAME_PLACE_MM:
        at = int(gaps.argmin())
        one, other = ordered[at], ordered[at + 1]
        where = f"it lies where {one.path.name} does"
        if one.path == other.path:
            where = f"its images {one.frame + 1} and {other.frame + 1} lie at one place"
        problem = f"{where}; send one reconstruction or phase at a time"
        raise refused("duplicate_slices", other.path.name, problem)
    if gaps.max() > GAP * usual:
        at = int(gaps.argmax())
        problem = (
            f"{gaps[at]:.2f} mm to the slice before, where {usual:.2f} mm are usual; send the series again"
        )
        raise refused("missing_slices", ordered[at + 1].path.name, problem)
    step: NDArray[np.float64] = (positions[-1] - positions[0]) / (len(ordered) - 1)
    even = positions[0] + np.arange(len(ordered))[:, None] * step
    off = np.linalg.norm(positions - even, axis=1)
    if off.max() > MOST_UNEVEN * usual:
        problem = f"it lies {off.max():.2f} mm from its even place; resample the series to even distances"
        raise refused("varying_spacing", ordered[int(off.argmax())].path.name, problem)
    return step
