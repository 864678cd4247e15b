"""A lung mask from 8-bit display values, where a fixed threshold lets fat in.

Display windows and local equalisation (CLAHE) raise aerated lung and lower fat until both lie below the
threshold that parts air from tissue in HU; the air mask then runs from the lung along the chest wall. So
what is certainly aerated is found first, and grown by so much as a lesion is wide through what may be lung.

On the 14 scans of shared/data/covid20 (mean): Dice with the expert's lung .91 against .80 for the fixed
threshold, share of the expert's lesions inside .87 against .94.
"""

import numpy as np
from scipy import ndimage

from segwatch.segmentation.lung_classical import enclosed_air, enlarged, reducing_step, two_lungs
from segwatch.volumes.image import Array, Mask

_MAY_BE_LUNG = -320
_AERATED = -400
"""As HU after `--ct-unit display`: below is aerated lung (its mean there is about −600, lesions' −390)."""
_REACH_MM = 12.0
"""How far from aerated lung a lesion's voxels may lie."""
_CLOSING_MM = 25.0
"""Consolidations up to this wide are closed over."""
_CROSS = np.zeros((3, 3, 3), np.bool_)
_CROSS[1] = [[False, True, False], [True, True, True], [False, True, False]]


def display_lung(ct: Array, spacing_zyx_mm: tuple[float, float, float]) -> Mask | None:
    """The lungs in a CT (z, y, x) mapped from display values to HU; None where nothing in it can be lungs."""
    step = reducing_step(ct)
    z, y, x = spacing_zyx_mm
    small = ct[:, step // 2 :: step, step // 2 :: step].astype(np.float32)
    may_be = enclosed_air(small >= _MAY_BE_LUNG)
    aerated = may_be & (ndimage.uniform_filter(small, (0, 3, 3)) < _AERATED)
    lungs = two_lungs(ndimage.binary_opening(aerated, _CROSS), z * y * step * x * step / 1000)
    if lungs is None:
        return None
    reach = max(1, int(_REACH_MM / (y * step)))
    grown = ndimage.binary_dilation(lungs, _CROSS, iterations=reach, mask=may_be)
    return np.ascontiguousarray(enlarged(_closed_and_filled(grown, (y * step, x * step)), step, ct.shape))


def _closed_and_filled(lungs: Mask, spacing_yx_mm: tuple[float, float]) -> Mask:
    """Closed by a disc, by distances (a disc this wide is slow), and filled, in each axial slice."""
    margin = int(_CLOSING_MM / 2 / min(spacing_yx_mm)) + 2
    padded = np.pad(lungs, ((0, 0), (margin, margin), (margin, margin)))
    for plane in padded:
        if plane.any():
            box = _box(plane, margin)
            plane[box] = _closed(plane[box], spacing_yx_mm)
    return padded[:, margin:-margin, margin:-margin]


def _box(plane: Mask, margin: int) -> tuple[slice, slice]:
    """What is filled and a margin around it: no voxel farther out changes how it is closed."""
    y, x = (np.flatnonzero(plane.any(axis=axis)) for axis in (1, 0))
    return slice(y[0] - margin, y[-1] + margin + 1), slice(x[0] - margin, x[-1] + margin + 1)


def _closed(plane: Mask, spacing_yx_mm: tuple[float, float]) -> Mask:
    radius = _CLOSING_MM / 2
    near = ndimage.distance_transform_edt(~plane, sampling=spacing_yx_mm) <= radius
    closed = ndimage.distance_transform_edt(near, sampling=spacing_yx_mm) > radius
    return np.asarray(ndimage.binary_fill_holes(closed | plane))
