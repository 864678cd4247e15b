"""What the features are measured on, from arrays at their own resolution, exactly as files give it."""

import numpy as np

from segwatch.contracts.studies import CtUnit, MaskProbabilities
from segwatch.features.kernels.masks import BinaryMask
from segwatch.features.scene import NativeMask, Scene
from segwatch.volumes.grid import GRID, resample_ct, resample_mask
from segwatch.volumes.image import Array, Mask


def scene_on_grid(
    hu: Array,
    lesion: Mask,
    lung: Mask | None,
    spacing: tuple[float, float, float],
    ct_unit: CtUnit,
    given: MaskProbabilities | None = None,
) -> Scene:
    """The study on the product's grid, by the paper's profile.

    Args:
        hu: CT (z, y, x) in HU. lesion, lung: masks on its voxels.
        spacing: (z, y, x) in mm.
        ct_unit: what the values are, `display` where they were mapped to HU.
        given: what the lesion model says of its mask.
    """
    ratio = [size / count for size, count in zip(hu.shape, GRID, strict=True)]
    z, y, x = (step * part for step, part in zip(spacing, ratio, strict=True))
    return Scene(
        ct=resample_ct(hu),
        lesion=mask_on_grid(lesion),
        given_lung=None if lung is None else mask_on_grid(lung),
        spacing=(z, y, x),
        ct_unit=ct_unit,
        given_native=NativeMask(BinaryMask(np.ascontiguousarray(lesion).view(np.uint8)), spacing),
        given=given,
    )


def mask_on_grid(mask: Mask) -> BinaryMask:
    """A mask (z, y, x) at its own resolution, on the product's grid."""
    return BinaryMask(resample_mask(mask).view(np.uint8))
