"""What another scanner or protocol does to a CT in HU, done on purpose to one whose truth is known.

Each change takes a scan, a strength from 0 (hardly seen) to 1 (beyond what is usual), and a generator. What
moves voxels moves the masks too. They are simulations: a real scanner differs in all of these at once.

Sources: noise and kernel, Riederer, Pelc, Chesler (Phys Med Biol 23, 1978); contrast agent, the usual
enhancement of blood by 150 to 300 HU and of inflamed tissue by a fraction of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from segwatch.volumes.image import Array, Mask

Spacing = tuple[float, float, float]
AIR_HU, LOWEST_HU, HIGHEST_HU = -1000.0, -1024, 3071
"""Air, and the 12 bits that scanners write."""
THICKEST_MM = 10.0
FEWEST_SLICES = 6
"""Fewer slices than this are left by no change."""
_BLOOD_FROM_HU, _BLOOD_HU = -100.0, 40.0
"""Above the first a voxel holds some blood, at the second it may be all blood."""


@dataclass(frozen=True)
class HuScan:
    """A CT in HU, and what is known of it on its voxels. Arrays (z, y, x) of one shape; spacing in mm.

    Attributes:
        truth: the expert's lesion mask. lung: None where there is none.
    """

    hu: Array
    truth: Mask
    lung: Mask | None
    spacing: Spacing


ScannerChange = Callable[[HuScan, float, Generator], HuScan]


def dose(scan: HuScan, strength: float, draw: Generator) -> HuScan:
    """A lower dose: noise of 15 to 200 HU is added, correlated over about a voxel in plane by the kernel."""
    return replace(scan, hu=scan.hu + _grain(scan.hu.shape, draw) * np.float32(15 + 185 * strength))


def kernel(scan: HuScan, strength: float, draw: Generator) -> HuScan:
    """Another reconstruction kernel: softer, blurred in plane by 0.5 to 2.5 mm (one standard deviation); or
    sharper, edges of 1.2 mm lifted by 0.4 to 3 times, the scan's noise with them. Where voxels are large,
    what is blurred or lifted is half a voxel wide at least.
    """
    values = np.asarray(scan.hu, np.float32)
    if draw.random() < 0.5:
        return replace(scan, hu=_blurred(values, scan.spacing, 0.5 + 2 * strength))
    edges = values - _blurred(values, scan.spacing, 1.2)
    return replace(scan, hu=values + np.float32(0.4 + 2.6 * strength) * edges)


def slice_thickness(scan: HuScan, strength: float, draw: Generator) -> HuScan:  # noqa: ARG001
    """Thicker slices: 2 to 8 become one, at most 10 mm thick (2 always), their mean; masks by majority."""
    most = max(2, int(THICKEST_MM / scan.spacing[0]))
    return thicker(scan, min(2 + round(6 * strength), most, len(scan.hu) // FEWEST_SLICES))


def contrast_agent(scan: HuScan, strength: float, draw: Generator) -> HuScan:  # noqa: ARG001
    """Given intravenously: blood rises by 60 to 260 HU, lesions by a quarter and muscle by a fifth of it.

    Blood is what is as dense as blood between the lungs, and vessels within them: in each slice the box
    around the lungs. Without a lung mask the whole slice counts as muscle.
    """
    values = np.asarray(scan.hu, np.float32)
    share = np.clip((values - _BLOOD_FROM_HU) / (_BLOOD_HU - _BLOOD_FROM_HU), 0, 1)
    share *= values < 200  # bone and metal
    share *= np.where(scan.truth, 0.25, np.where(_between_lungs(scan), 1.0, 0.2)).astype(np.float32)
    return replace(scan, hu=values + share * np.float32(60 + 200 * strength))


def field_of_view(scan: HuScan, strength: float, draw: Generator) -> HuScan:
    """Another field of view on the same matrix: smaller, at most down to the lungs, or larger, by factors up
    to 1.5 each; outside what was scanned is air.
    """
    factor = float(np.exp(draw.choice((-1.0, 1.0)) * (0.05 + 0.35 * strength)))
    middle, least = _centre_and_share(scan)
    factor = max(factor, least)
    centre = [(size - 1) / 2 for size in scan.hu.shape[1:]]
    if factor >= 1:
        middle = centre
    offset = [0.0, *(m - factor * c for m, c in zip(middle, centre, strict=True))]

    def zoomed(array: Array, order: int, outside: float) -> Array:
        matrix = (1.0, factor, factor)
        return np.asarray(
            ndimage.affine_transform(array, matrix, offset, order=order, cval=outside, prefilter=False)
        )

    def moved(mask: Mask) -> Mask:
        return np.asarray(zoomed(mask.view(np.uint8), 0, 0).view(np.bool_))

    z, y, x = scan.spacing
    return HuScan(
        zoomed(np.asarray(scan.hu, np.float32), 1, AIR_HU),
        moved(scan.truth),
        None if scan.lung is None else moved(scan.lung),
        (z, y * factor, x * factor),
    )


def offset(scan: HuScan, strength: float, draw: Generator) -> HuScan:
    """Badly calibrated, or reconstructed otherwise: all values 10 to 120 HU too high or too low."""
    return replace(scan, hu=scan.hu + np.float32(draw.choice((-1.0, 1.0)) * (10 + 110 * strength)))


SCANNER_CHANGES: Mapping[str, ScannerChange] = MappingProxyType(
    {
        change.__name__: change
        for change in (dose, kernel, slice_thickness, contrast_agent, field_of_view, offset)
    }
)


def scanned_otherwise(scan: HuScan, changes: Mapping[str, float], draw: Generator) -> HuScan:
    """The scan after changes, by name with their strengths, in their order; HU whole and within 12 bits.

    Raises:
        ValueError: a strength is not within 0 to 1, or there is no such change.
    """
    for name, strength in changes.items():
        if name not in SCANNER_CHANGES or not 0 <= strength <= 1:
            raise ValueError(f"there is no change {name!r} of strength {strength}")
        scan = SCANNER_CHANGES[name](scan, strength, draw)
    if not changes:
        return scan
    return replace(scan, hu=np.clip(np.rint(scan.hu), LOWEST_HU, HIGHEST_HU).astype(np.int16))


def thicker(scan: HuScan, factor: int) -> HuScan:
    """The scan in slices `factor` times as thick: CT averaged, masks by majority (half counts)."""
    if factor < 2 or len(scan.hu) < 2 * factor:
        return scan
    z, y, x = scan.spacing
    return HuScan(
        slab_means(np.asarray(scan.hu, np.float32), factor),
        slab_majorities(scan.truth, factor),
        None if scan.lung is None else slab_majorities(scan.lung, factor),
        (z * factor, y, x),
    )


def slab_means(array: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """The means of `factor` slices (z, y, x) each; what is left at the top goes."""
    return np.asarray(_slabs(array, factor).mean(axis=1))


def slab_majorities(mask: Mask, factor: int) -> Mask:
    """Where at least half of `factor` slices (z, y, x) each are filled; what is left at the top goes."""
    return np.asarray(_slabs(mask, factor).mean(axis=1) >= 0.5)


def _slabs(array: Array, factor: int) -> Array:
    count = len(array) // factor
    return array[: count * factor].reshape(count, factor, *array.shape[1:])


def _grain(shape: tuple[int, ...], draw: Generator) -> NDArray[np.float32]:
    """Noise of deviation 1, correlated over about a voxel in plane."""
    grain = ndimage.gaussian_filter(draw.standard_normal(shape, np.float32), (0, 0.6, 0.6))
    return np.asarray(grain / grain.std(), np.float32)


def _blurred(values: NDArray[np.float32], spacing: Spacing, mm: float) -> NDArray[np.float32]:
    """In plane, by so many mm, or half a voxel where that is more."""
    widths = [mm / step + 0.5 * max(0.0, 1 - mm / step) for step in spacing[1:]]
    return np.asarray(ndimage.gaussian_filter(values, (0, *widths)), np.float32)


def _between_lungs(scan: HuScan) -> Mask:
    """In each slice the box around the lungs (z, y, x)."""
    inside = np.zeros(scan.hu.shape, np.bool_)
    if scan.lung is not None:
        for z in np.flatnonzero(scan.lung.any(axis=(1, 2))):
            rows, columns = _box(scan.lung[z])
            inside[z, rows, columns] = True
    return inside


def _centre_and_share(scan: HuScan) -> tuple[list[float], float]:
    """The middle (y, x) of what must stay in view, lung and lesions, and the share of the view it takes."""
    seen = scan.truth if scan.lung is None else scan.truth | scan.lung
    plane = np.asarray(seen.any(axis=0))
    if not plane.any():
        return [(size - 1) / 2 for size in plane.shape], 1.0
    box = _box(plane)
    middle = [(part.start + part.stop - 1) / 2 for part in box]
    share = max((part.stop - part.start + 2) / size for part, size in zip(box, plane.shape, strict=True))
    return middle, min(share, 1.0)


def _box(plane: Mask) -> tuple[slice, slice]:
    """Around what a plane (y, x) holds."""
    rows, columns = (np.flatnonzero(plane.any(axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
