"""The way in for images: a CT or a mask, from NIfTI or DICOM, in canonical orientation."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from segwatch.contracts.base import Geometry
from segwatch.volumes.dicom import read_series
from segwatch.volumes.folders import walk
from segwatch.volumes.image import Array, Mask, Volume
from segwatch.volumes.nifti import read_nifti, require_file
from segwatch.volumes.orientation import MOST_DISTANCE_VOXELS, affine_of, distance_in_voxels
from segwatch.volumes.refusals import refused

NIFTI = (".nii", ".nii.gz")
_NO_IMAGES = (*NIFTI, ".txt", ".json", ".xml", ".csv", ".pdf", ".html", ".md", ".jpg", ".png", ".db", ".ini")
"""What stands beside slices without being one. Any other file must be one: it might be a damaged slice."""


def read_ct(path: Path | Sequence[Path]) -> Volume:
    """A CT in the units of its file (HU where it is a proper CT: see `hounsfield`).

    Args:
        path: a NIfTI file, a DICOM file, a folder with one DICOM series, or the series' files.

    Returns:
        int16 where that holds all values exactly, float32 otherwise.

    Raises:
        RefusedVolume: see `refusals.Kind`. OSError: a file cannot be read at all.
    """
    if not isinstance(path, Path):
        return read_series(path).volume
    if path.is_dir():
        files = dicom_files(path)
        if not files:
            problem = "the folder holds no DICOM files; give a NIfTI file or the folder of a series"
            raise refused("unreadable", path.name, problem)
        return read_series(files).volume
    require_file(path)
    return read_nifti(path) if path.name.lower().endswith(NIFTI) else read_series([path]).volume


def read_mask(path: Path, like: Geometry) -> Volume:
    """A mask (any label above zero) that lies on the voxels of `like`, its CT's canonical geometry.

    Raises:
        RefusedVolume: shape_mismatch, affine_mismatch, not_binary and those of NIfTI files.
    """
    require_file(path)
    labels = read_nifti(path)
    check_on_voxels(labels.geometry, like, path.name)
    return Volume(labels_to_mask(labels.array, path.name), like)


def check_on_voxels(geometry: Geometry, like: Geometry, name: str) -> None:
    """Nothing, where a mask of that geometry lies on the voxels of its CT's.

    Raises:
        RefusedVolume: shape_mismatch, affine_mismatch.
    """
    if geometry.shape_zyx != like.shape_zyx:
        raise refused(
            "shape_mismatch",
            name,
            f"its shape (z, y, x) is {geometry.shape_zyx} and the CT's is {like.shape_zyx}; "
            "make the mask on this CT's voxels",
        )
    apart = distance_in_voxels(affine_of(like), affine_of(geometry), like.shape_zyx[::-1])
    if apart > MOST_DISTANCE_VOXELS:
        raise refused(
            "affine_mismatch",
            name,
            f"it lies up to {apart:.2g} voxels from its CT; save it with the CT's orientation and spacing",
        )


def labels_to_mask(values: Array, name: str) -> Mask:
    """Where an array of labels is above zero.

    Raises:
        RefusedVolume: not_binary.
    """
    between = values.dtype.kind == "f" and bool((values != np.floor(values)).any())
    if between or (values.dtype.kind != "u" and values.min() < 0):
        raise refused("not_binary", name, "its values are not labels (0, 1, 2, …); give a label image")
    return values > 0


def dicom_files(folder: Path) -> list[Path]:
    """The files of a folder, sub-folders included, that may belong to a DICOM series.

    Hidden files, DICOMDIR and files of other kinds, by their names, do not.
    """
    return sorted(
        path
        for _, others in walk(folder)
        for path in others
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.name.upper() != "DICOMDIR"
        and not path.name.lower().endswith(_NO_IMAGES)
    )
