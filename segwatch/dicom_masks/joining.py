"""A CT's lesion mask among the DICOM files that came with it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from segwatch.contracts.base import Geometry
from segwatch.dicom_masks.contours import read_contours
from segwatch.dicom_masks.header import MaskFile, mask_file
from segwatch.dicom_masks.segmentation import read_segmentation
from segwatch.errors import RefusedVolume
from segwatch.volumes.image import Mask
from segwatch.volumes.labels import LesionLabel

THRESHOLD = 0.5
"""The share from which a voxel of a fractional segmentation counts, where nobody says."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How the hospital's masks are read: which label is lesion, and from which share on a voxel counts."""

    label: LesionLabel = field(default_factory=LesionLabel)
    threshold: float = THRESHOLD


def masks_of(files: Iterable[Path], series_uid: str, instance_uids: frozenset[str]) -> list[MaskFile]:
    """Those files that carry a mask of that series, the newest first.

    Raises:
        RefusedVolume: unreadable, one is damaged. OSError: the disk fails.
    """
    found = [mask_file(path) for path in files]
    ours = [each for each in found if each is not None and each.belongs_to(series_uid, instance_uids)]
    return sorted(ours, key=lambda each: each.made, reverse=True)


def lesion_among(masks: Iterable[MaskFile], like: Geometry, wish: Wish) -> Mask | None:
    """The lesion mask (z, y, x) of the newest file that has the label; None where there is no file.

    Raises:
        RefusedVolume: no file has the label, or the newest that may have it cannot be read.
    """
    without: RefusedVolume | None = None
    for each in masks:
        try:
            return read_dicom_mask(each, like, wish)
        except RefusedVolume as error:
            if error.kind != "no_such_label":
                raise
            without = without or error  # a lung's, beside the lesion's
    if without is not None:
        raise without
    return None


def read_dicom_mask(mask: MaskFile, like: Geometry, wish: Wish) -> Mask:
    """The lesion mask (z, y, x) in one file; raises as `read_segmentation` and `read_contours`."""
    if mask.kind == "contours":
        return read_contours(mask.path, like, wish.label)
    return read_segmentation(mask.path, like, wish.label, wish.threshold)
