"""Images in the other formats that ITK reads and nnU-Net takes: NRRD, MetaImage.

Needs SimpleITK, which the extra `segmentation` brings along.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from segwatch.volumes.hounsfield import compact
from segwatch.volumes.image import Volume
from segwatch.volumes.orientation import Affine, Turning, canonical, turning
from segwatch.volumes.refusals import refused

ITK = (".nrrd", ".mha", ".mhd")
"""File endings; a `.mhd` has its voxels in a second file."""


def read_itk(path: Path) -> Volume:
    """The image in canonical orientation, int16 where that is exact.

    Raises:
        RefusedVolume: it cannot be read, has not three dimensions, is oblique, or holds what is no number.
    """
    import SimpleITK

    try:
        image = SimpleITK.ReadImage(str(path))
    except RuntimeError as error:
        raise refused(
            "unreadable", path.name, f"ITK cannot read it ({_short(error)}); export it again"
        ) from None
    _three_dimensional(image.GetSize(), path)
    array = SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0)
    return canonical(compact(array, path.name), _affine(image), path.name)


def itk_turning(path: Path) -> Turning:
    """How the file's array becomes canonical, from its header alone; raises as `read_itk` does."""
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise refused(
            "unreadable", path.name, f"ITK cannot read it ({_short(error)}); export it again"
        ) from None
    _three_dimensional(reader.GetSize(), path)
    return turning(tuple(int(size) for size in reader.GetSize()), _affine(reader), path.name)


def _three_dimensional(size: Sequence[int], path: Path) -> None:
    if len(size) != 3:
        raise refused(
            "not_three_dimensional", path.name, f"it has the shape {tuple(size)}; give one 3-D image"
        )


def _affine(image: Any) -> Affine:  # noqa: ANN401 - SimpleITK carries no types
    """From voxel indices (i, j, k) to LPS mm, which is what ITK's coordinates are."""
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.asarray(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return affine


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[-160:]
