"""A lung mask without weights: air inside the trunk.

It is quick and knows nothing: consolidations at the pleura are lost where they open the lung to the chest
wall further than closing bridges. Results say that a mask was made this way (`lung_method`).
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from segwatch.volumes.image import Array, Mask

VERSION = "classical-2"
"""Part of every result's id: raised when the masks made here change."""

TISSUE_HU = -320
"""Below is air or aerated lung. A fixed threshold: Otsu's moves with the disease, and was seen to keep 5 % of
lesion voxels."""
_WIDEST = 256
"""Voxels along an in-plane axis above which only every second, third, … is looked at."""
_LEAST_ML = 100.0
"""Less air than this is no lung."""
_SECOND_TO_FIRST = 0.15
"""A second component smaller than this share of the first is gut, not a lung."""
_CLOSING_MM = 10.0
"""Vessels and small consolidations up to this wide are closed over."""


def classical_lung(ct: Array, spacing_zyx_mm: tuple[float, float, float]) -> Mask | None:
    """The lungs in a CT (z, y, x) in HU; None where nothing in it can be lungs.

    Air that no trunk encloses within its axial slice (so whatever touches the border) is dropped, the two
    largest components are kept, closed and filled slice by slice. Worked on at reduced in-plane size (at
    most 256 voxels a side) and enlarged again: borders are right to one reduced voxel.
    """
    step = reducing_step(ct)
    z, y, x = spacing_zyx_mm
    small = ct[:, step // 2 :: step, step // 2 :: step]
    voxel_ml = z * y * step * x * step / 1000
    lungs = two_lungs(enclosed_air(small >= TISSUE_HU), voxel_ml)
    if lungs is None:
        return None
    filled = _closed_and_filled(lungs, (y * step, x * step))
    return np.ascontiguousarray(enlarged(filled, step, ct.shape))


def reducing_step(ct: Array) -> int:
    """Every how many voxels in plane are looked at."""
    return max(1, int(-(-max(ct.shape[1:]) // _WIDEST)))


def enclosed_air(tissue: Mask) -> Mask:
    """What the trunk, the largest piece of tissue, encloses in each axial slice and is not tissue."""
    trunk = _largest(tissue, 1)
    if not trunk:
        return np.zeros_like(tissue)
    filled = np.stack([ndimage.binary_fill_holes(plane) for plane in trunk[0][0]])
    return np.asarray(filled & ~tissue)


def two_lungs(air: Mask, voxel_ml: float) -> Mask | None:
    """The one or two largest pieces of air that can be lungs, or None."""
    parts = _largest(air, 2)
    if not parts or parts[0][1] * voxel_ml < _LEAST_ML:
        return None
    lungs = parts[0][0]
    if len(parts) == 2 and parts[1][1] >= _SECOND_TO_FIRST * parts[0][1]:
        lungs = lungs | parts[1][0]
    return lungs


def _largest(mask: Mask, count: int) -> list[tuple[Mask, int]]:
    """The largest components (6-neighbourhood) with their sizes in voxels, the largest first."""
    labels, found = ndimage.label(mask)
    if found == 0:
        return []
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    order = np.argsort(-sizes, kind="stable")[: min(count, found)]
    return [(labels == label, int(sizes[label])) for label in order]


def _closed_and_filled(lungs: Mask, spacing_yx_mm: tuple[float, float]) -> Mask:
    """Close by a disc and fill holes, in each axial slice; the margin keeps closing off the border."""
    disc = _disc(spacing_yx_mm)
    margin = max(disc.shape)
    padded = np.pad(lungs, ((0, 0), (margin, margin), (margin, margin)))
    planes = [
        ndimage.binary_fill_holes(ndimage.binary_closing(plane, disc)) if plane.any() else plane
        for plane in padded
    ]
    return np.asarray(np.stack(planes)[:, margin:-margin, margin:-margin])


def _disc(spacing_yx_mm: tuple[float, float]) -> NDArray[np.bool_]:
    reach = [int(_CLOSING_MM / 2 // step) for step in spacing_yx_mm]
    y, x = np.ogrid[-reach[0] : reach[0] + 1, -reach[1] : reach[1] + 1]
    return np.asarray(np.hypot(y * spacing_yx_mm[0], x * spacing_yx_mm[1]) <= _CLOSING_MM / 2)


def enlarged(mask: Mask, step: int, shape: tuple[int, ...]) -> Mask:
    """Every voxel of the reduced mask as `step` × `step` voxels."""
    if step == 1:
        return mask
    rows = np.minimum(np.arange(shape[1]) // step, mask.shape[1] - 1)
    columns = np.minimum(np.arange(shape[2]) // step, mask.shape[2] - 1)
    return np.asarray(mask[:, rows[:, None], columns])
