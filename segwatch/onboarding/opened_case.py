"""A case's files in memory, and a network's view of its scan: nnU-Net works in the files' own axes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segwatch.contracts.base import Geometry
from segwatch.contracts.studies import CtUnit
from segwatch.errors import BadInput, RefusedVolume
from segwatch.onboarding.nnunet_layout import ValidatedCase
from segwatch.volumes.hounsfield import DISPLAY_HU, AskedUnit, in_hounsfield
from segwatch.volumes.image import Array, Mask
from segwatch.volumes.orientation import Turning
from segwatch.volumes.read import check_on_voxels, read_image, turning_of

REORIENTED = "NibabelIOWithReorient"
"""nnU-Net's reader that turns images to RAS; its others leave a file's axes as they are."""


@dataclass(frozen=True)
class OpenedCase:
    """Arrays (z, y, x) in canonical orientation; spacing in mm.

    Attributes:
        hu: the CT in HU. unit: what it was before.
        truth, predicted, lung: masks; the latter two where there are files of them.
        turning: from the file's axes.
    """

    hu: Array
    unit: CtUnit
    truth: Mask
    predicted: Mask | None
    lung: Mask | None
    spacing: tuple[float, float, float]
    turning: Turning


def open_case(case: ValidatedCase, labels: tuple[int, ...], unit: AskedUnit, lung: Path | None) -> OpenedCase:
    """Read a case's files. Masks hold where one of the labels is; of the lung, where any is.

    Raises:
        RefusedVolume: a file is damaged, lies elsewhere than its CT, or the CT is not in HU.
    """
    ct = read_image(case.ct)
    found_ct = in_hounsfield(ct.array, unit, case.ct.name, ct.doubt)
    known, hu = found_ct.unit, found_ct.array
    if known == "unknown":
        raise RefusedVolume(
            f"{case.ct.name}: its values are not HU ({found_ct.judged.doubt}); say --ct-unit display "
            "where they are 8-bit display values, or hu",
            kind="not_ct",
        )

    def mask(path: Path, values: tuple[int, ...]) -> Mask:
        found = read_image(path)
        check_on_voxels(found.geometry, ct.geometry, path.name)
        return np.isin(found.array, values) if values else found.array > 0

    return OpenedCase(
        hu,
        known,
        mask(case.truth, labels),
        None if case.predicted is None else mask(case.predicted, labels),
        None if lung is None else mask(lung, ()),
        ct.geometry.spacing_zyx_mm,
        turning_of(case.ct),
    )


def check_case(case: ValidatedCase) -> Geometry:
    """The CT's geometry, where truth and mask lie on its voxels; only headers are read.

    Raises:
        BadInput: they do not, or a file is no image; names the file.
    """
    try:
        like = turning_of(case.ct).geometry
    except (RefusedVolume, OSError) as error:
        raise BadInput(f"{case.ct} cannot be read: {error}") from None
    for path in (case.truth, case.predicted):
        try:
            if path is not None:
                check_on_voxels(turning_of(path).geometry, like, path.name)
        except (RefusedVolume, OSError) as error:
            raise BadInput(f"{path} does not belong to {case.ct}: {error}") from None
    return like


def predicted_by(
    model: Any,  # noqa: ANN401 - a LesionModel, whose room needs torch
    hu: Array,
    spacing: tuple[float, float, float],
    unit: CtUnit,
    turning: Turning,
    reader: str,
) -> Mask:
    """The network's mask (z, y, x) of a scan in HU, shown to it as the files that it learnt from are read.

    Args:
        model: predicts from (z, y, x) and spacing. hu: canonical. unit: what the network knows.
        turning: of the case's CT. reader: nnU-Net's, by name.

    Raises:
        Unprocessable: the scan is too thin for the network.
    """
    low, high = DISPLAY_HU
    values = np.rint((hu - low) * (255 / (high - low))).clip(0, 255) if unit == "display" else hu
    if reader == REORIENTED:
        mask = model.predict(np.ascontiguousarray(values[:, ::-1, ::-1]), spacing).mask
        return np.ascontiguousarray(mask[:, ::-1, ::-1])
    along = dict(zip(turning.order, spacing[::-1], strict=True))
    as_read = turning.as_in_file(values).transpose(2, 1, 0)
    mask = model.predict(as_read, (along[2], along[1], along[0])).mask
    return np.asarray(turning.canonical(mask.transpose(2, 1, 0)))
