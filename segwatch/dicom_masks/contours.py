"""DICOM contours (RTSTRUCT), filled on their CT's voxels. pydicom reads them, shapely knows what lies inside.

A voxel counts where its centre lies within a contour or on it. A contour within another of the same region
and plane is a hole; so is what two XOR contours share. Others of one plane are joined.

Source: DICOM PS3.3 C.8.8.5 (Structure Set), C.8.8.6 (ROI Contour).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray

from segwatch.contracts.base import Geometry
from segwatch.dicom_masks.header import items, text
from segwatch.dicom_masks.naming import Named, chosen
from segwatch.errors import RefusedVolume, in_one_line
from segwatch.volumes.dicom_slices import is_the_disks, quietly
from segwatch.volumes.image import Mask
from segwatch.volumes.labels import LesionLabel
from segwatch.volumes.orientation import MOST_DISTANCE_VOXELS, affine_of
from segwatch.volumes.refusals import refused

XOR = "CLOSEDPLANAR_XOR"
_FILLED = frozenset({"CLOSED_PLANAR", XOR})
_ON_THE_LINE = 1e-3
"""Pixels; contours that were traced along voxel centres run through them to a rounding error."""


@dataclass(frozen=True, slots=True)
class _Contour:
    """A contour in one plane of the CT: the axis (x, y, z) across it, its place there, and its points."""

    axis: int
    place: int
    points: NDArray[np.float64]
    xor: bool


def read_contours(path: Path, like: Geometry, label: LesionLabel) -> Mask:
    """The lesion mask (z, y, x) within the contours of a structure set, on its CT's voxels.

    Args:
        path: the file.
        like: the CT's canonical geometry.
        label: which region of interest is lesion: its number, its name, or its observation's label.

    Raises:
        RefusedVolume: see `refusals.Kind`. OSError: the disk fails.
    """
    try:
        return quietly(lambda: _read(pydicom.dcmread(path), path.name, like, label))
    except Exception as error:
        if is_the_disks(error) or isinstance(error, RefusedVolume):
            raise  # everything else is damage
        problem = f"it holds no contours that can be read ({in_one_line(error)}); export it again"
        raise refused("unreadable", path.name, problem) from None


def _read(data: pydicom.Dataset, name: str, like: Geometry, label: LesionLabel) -> Mask:
    wanted = chosen(_regions(data), label, name)
    mask = np.zeros(like.shape_zyx, np.bool_)
    for region in items(data, "ROIContourSequence"):
        if int(region.ReferencedROINumber) in wanted:
            planes: dict[tuple[int, int], list[_Contour]] = {}
            for contour in _contours(region, like, name):
                planes.setdefault((contour.axis, contour.place), []).append(contour)
            for (axis, place), contours in planes.items():
                plane = np.moveaxis(mask, 2 - axis, 0)[place]
                _fill(plane, contours)
    return mask


def _regions(data: pydicom.Dataset) -> list[Named]:
    observed: dict[int, list[str]] = {}
    for item in items(data, "RTROIObservationsSequence"):
        labels = observed.setdefault(int(item.ReferencedROINumber), [])
        labels.append(text(item, "ROIObservationLabel"))
        labels += [
            text(code, keyword)
            for code in items(item, "RTROIIdentificationCodeSequence")
            for keyword in ("CodeMeaning", "CodeValue")
        ]
    found = []
    for item in items(data, "StructureSetROISequence"):
        number = int(item.ROINumber)
        names = [text(item, "ROIName"), *observed.get(number, [])]
        found.append(Named(number, tuple(each for each in names if each)))
    return found


def _contours(region: pydicom.Dataset, like: Geometry, name: str) -> Iterator[_Contour]:
    to_voxels = np.linalg.inv(affine_of(like))
    for item in items(region, "ContourSequence"):
        kind = text(item, "ContourGeometricType").upper()
        if kind not in _FILLED:
            continue  # points and open lines enclose nothing
        points = np.asarray(item.ContourData, np.float64).reshape(-1, 3)
        yield _placed(points @ to_voxels[:3, :3].T + to_voxels[:3, 3], kind == XOR, like, name)


def _placed(points: NDArray[np.float64], xor: bool, like: Geometry, name: str) -> _Contour:
    """A contour in voxels (x, y, z): in the axial plane where it lies in several, as a single point does."""
    for axis in (2, 1, 0):
        place = round(float(points[:, axis].mean()))
        if np.abs(points[:, axis] - place).max() <= MOST_DISTANCE_VOXELS:
            break
    else:
        problem = "a contour lies in no plane of the CT's voxels; draw it on this CT's slices"
        raise refused("affine_mismatch", name, problem)
    across = [each for each in (0, 1, 2) if each != axis]
    sizes = np.array(like.shape_zyx[::-1])
    inside = points[:, across]
    if not 0 <= place < sizes[axis] or (inside < -0.5).any() or (inside > sizes[across] - 0.5).any():
        raise refused("affine_mismatch", name, "a contour lies outside the CT; draw it on this CT's slices")
    return _Contour(axis, place, inside, xor)


def _fill(plane: Mask, contours: list[_Contour]) -> None:
    """Fill the voxels of a plane whose centres the contours of one region enclose.

    The plane's axes are the slower one first, as in (z, y, x); points have the quicker one first.
    """
    import shapely  # late: only who has contours needs it

    area = shapely.Polygon()
    for contour in sorted(contours, key=_size, reverse=True):
        one = _area(contour.points)
        hole = contour.xor or (contour.points.shape[0] > 2 and area.contains(one))
        area = area.symmetric_difference(one) if hole else area.union(one)
    area = area.buffer(_ON_THE_LINE, quad_segs=1)
    left, top, right, bottom = area.bounds
    rows = np.arange(max(0, int(np.floor(top))), min(plane.shape[0], int(np.ceil(bottom)) + 1))
    columns = np.arange(max(0, int(np.floor(left))), min(plane.shape[1], int(np.ceil(right)) + 1))
    shapely.prepare(area)
    found = shapely.intersects_xy(area, columns[None, :].astype(float), rows[:, None].astype(float))
    plane[np.ix_(rows, columns)] |= found


def _area(points: NDArray[np.float64]) -> Any:  # noqa: ANN401 - shapely carries no types
    """What a contour encloses; a keyhole that touches itself is made whole, a point or a line stays one."""
    import shapely

    if len(points) == 1:
        return shapely.Point(points[0])
    if len(points) == 2:
        return shapely.LineString(points)
    return shapely.make_valid(shapely.Polygon(points))


def _size(contour: _Contour) -> float:
    x, y = contour.points.T
    return abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1))) / 2
