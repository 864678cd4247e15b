"""The way in for images: a CT or a mask, from NIfTI, NRRD, MetaImage or DICOM, in canonical orientation."""

from collections.abc import Sequence
from pathlib import Path

from segwatch.contracts.base import Geometry
from segwatch.volumes.dicom import read_series
from segwatch.volumes.folders import walk
from segwatch.volumes.image import Volume
from segwatch.volumes.labels import ANY_LABEL, LabelImage, LesionLabel, wanted_in
from segwatch.volumes.mha_file import mha_turning, read_mha
from segwatch.volumes.nifti import nifti_turning, read_nifti, require_file
from segwatch.volumes.nrrd_file import nrrd_turning, read_nrrd
from segwatch.volumes.orientation import MOST_DISTANCE_VOXELS, Turning, affine_of, distance_in_voxels
from segwatch.volumes.refusals import half_of_an_image, refused

NIFTI = (".nii", ".nii.gz")
IMAGES = (*NIFTI, ".nrrd", ".mha")
"""The endings of files that hold one image, in small or capital letters. All else is taken for DICOM."""
_NO_IMAGES = (*IMAGES, ".txt", ".json", ".xml", ".csv", ".pdf", ".html", ".md", ".jpg", ".png", ".db", ".ini")
"""What stands beside slices without being one. Any other file must be one: it might be a damaged slice."""


def read_ct(path: Path | Sequence[Path]) -> Volume:
    """A CT in the units of its file (HU where it is a proper CT: see `hounsfield`).

    Args:
        path: a NIfTI, NRRD or MetaImage file, a DICOM file, a folder with one DICOM series, or its files.

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
            problem = "the folder holds no DICOM files; give an image file or the folder of a series"
            raise refused("unreadable", path.name, problem)
        return read_series(files).volume
    require_file(path)
    return read_image(path) if stem_of(path) is not None else read_series([path]).volume


def read_image(path: Path) -> Volume:
    """The image in a NIfTI, NRRD or MetaImage file, by the file's ending; raises as the readers do."""
    lower = path.name.lower()
    if lower.endswith(".nrrd"):
        return read_nrrd(path)
    return read_mha(path) if lower.endswith(".mha") else read_nifti(path)


def turning_of(path: Path) -> Turning:
    """How the array of such a file becomes canonical, and its geometry then, from its header alone.

    Raises:
        RefusedVolume: it is no image that can be measured. OSError: the file cannot be read at all.
    """
    lower = path.name.lower()
    if lower.endswith(".nrrd"):
        return nrrd_turning(path)
    return mha_turning(path) if lower.endswith(".mha") else nifti_turning(path)


def stem_of(path: Path) -> str | None:
    """The file's name without the ending of an image, in small letters; None where it has no such ending.

    Raises:
        RefusedVolume: unreadable, where header and voxels are two files.
    """
    lower, problem = path.name.lower(), half_of_an_image(path.name)
    if problem:
        raise refused("unreadable", path.name, problem)
    return next((lower.removesuffix(ending) for ending in IMAGES if lower.endswith(ending)), None)


def read_mask(path: Path, like: Geometry, label: LesionLabel | None = None) -> Volume:
    """A mask that lies on the voxels of `like`, its CT's canonical geometry.

    Args:
        path: of a NIfTI, NRRD or MetaImage file.
        like: the CT's geometry.
        label: which label of it counts; None is every label above zero, as in a lung mask.

    Raises:
        RefusedVolume: shape_mismatch, affine_mismatch, not_binary, several_labels, no_such_label and those
            of image files.
    """
    require_file(path)
    found = read_image(path)
    check_on_voxels(found.geometry, like, path.name)
    labels = LabelImage(path.name, ANY_LABEL if label is None else wanted_in(path, label))
    mask = labels.mask(found.array)
    labels.finish()
    return Volume(mask, like)


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
