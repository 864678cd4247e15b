"""What goes wrong with lesion masks, done on purpose to one whose truth is known.

A scorer that learns only from the masks that networks make takes "smooth as a network" for "good", and an
expert's own mask for a bad one. Truths, and truths that were damaged in known ways, are rows that break this
tie. Sources of the kinds: Kohlberger et al. (MICCAI 2012), section 3; Zenk et al. (Medical Image Analysis
2025), failures of lesion segmentation.

All masks are (z, y, x), on the voxels of their CT; spacing is (z, y, x) in mm.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from segwatch.volumes.image import Array, Mask

Spacing = tuple[float, float, float]
_TOUCHING = np.ones((3, 3, 3), np.bool_)
_BALLS = 60
"""At most so many false lesions are added, however small they come out."""


@dataclass(frozen=True)
class Known:
    """What a damage may look at: the CT in HU, the lung (all False where there is none), the spacing."""

    hu: Array
    lung: Mask
    spacing: Spacing


Damage = Callable[[Mask, Known, float, Generator], Mask]
"""A mask that holds something, what is known beside it, a strength from 0 (hardly seen) to 1, a generator."""


def grown(mask: Mask, known: Known, strength: float, draw: Generator) -> Mask:  # noqa: ARG001
    """Too generous: grown by 0.8 to 8 mm on all sides."""
    reach = 0.8 + 7 * strength
    return _moved_border(mask, known.spacing, np.float64(-reach), reach)


def shrunk(mask: Mask, known: Known, strength: float, draw: Generator) -> Mask:  # noqa: ARG001
    """Too careful: 0.4 to 6.4 mm are lost on all sides, a tenth of the greatest depth is left at least."""
    return _moved_border(mask, known.spacing, np.float64(0.4 + 6 * strength), 2.0)


def shifted(mask: Mask, known: Known, strength: float, draw: Generator) -> Mask:
    """Beside its place: by 2 to 20 mm in a drawn direction; what leaves the scan is lost."""
    way = draw.standard_normal(3) * (0.5, 1.0, 1.0)
    way *= (2 + 18 * strength) / np.linalg.norm(way)
    steps = [round(part / step) for part, step in zip(way, known.spacing, strict=True)]
    out = np.zeros_like(mask)
    here = tuple(slice(max(0, -by), size - max(0, by)) for by, size in zip(steps, mask.shape, strict=True))
    there = tuple(slice(max(0, by), size - max(0, -by)) for by, size in zip(steps, mask.shape, strict=True))
    out[there] = mask[here]
    return out


def without_components(mask: Mask, known: Known, strength: float, draw: Generator) -> Mask:
    """Lesions missed: components of a tenth to nine tenths of the volume; a single one is cut in two."""
    labels, count = ndimage.label(mask, _TOUCHING)
    if count < 2:
        return cut_off(mask, known, strength, draw)
    sizes = np.bincount(labels.ravel())[1:]
    goal, gone = (0.1 + 0.8 * strength) * sizes.sum(), 0
    stays = np.append(False, np.ones(count, np.bool_))
    for one in draw.permutation(count):
        if gone < goal and (gone == 0 or gone + sizes[one] <= 1.15 * goal):
            stays[one + 1] = False
            gone += sizes[one]
    return np.asarray(stays[labels], np.bool_)


def cut_off(mask: Mask, known: Known, strength: float, draw: Generator) -> Mask:  # noqa: ARG001
    """A side is missing: a tenth to nine tenths of the volume beyond a plane across a drawn axis."""
    axis = int(draw.integers(3))
    upto = np.cumsum(mask.sum(axis=tuple(each for each in range(3) if each != axis))) / mask.sum()
    lost = 0.1 + 0.8 * strength
    gone = upto <= lost if draw.random() < 0.5 else upto > 1 - lost
    return np.asarray(mask & ~np.expand_dims(gone, tuple(each for each in range(3) if each != axis)))


def smoothed(mask: Mask, known: Known, strength: float, draw: Generator) -> Mask:  # noqa: ARG001
    """As a coarse network draws: blurred by 0.8 to 5.8 mm and cut at a half; what is small goes."""
    sigma = [(0.8 + 5 * strength) / step for step in known.spacing]
    return np.asarray(ndimage.gaussian_filter(mask.astype(np.float32), sigma) >= 0.5)


def ragged(mask: Mask, known: Known, strength: float, draw: Generator) -> Mask:
    """A restless border: it wanders by 1 to 6 mm (one standard deviation), differently in every slice."""
    box = _box(mask, known.spacing, 8.0)
    shape = tuple(part.stop - part.start for part in box)
    noise = ndimage.gaussian_filter(draw.standard_normal(shape, np.float32), (0.3, 1.0, 1.0))
    return _moved_border(mask, known.spacing, (1 + 5 * strength) * noise / noise.std(), 8.0)


def with_false_lesions(mask: Mask, known: Known, strength: float, draw: Generator) -> Mask:
    """Lesions that are none: ellipsoids of 5 to 18 mm half-axes in the lung, 0.1 to 1.5 times the volume."""
    places = np.argwhere(known.lung & ~mask)
    out, goal = mask.copy(), (0.1 + 1.4 * strength) * mask.sum()
    for _ in range(_BALLS if len(places) else 0):
        centre = places[draw.integers(len(places))]
        radii = draw.uniform(5, 18, 3) / known.spacing
        low = np.maximum(np.floor(centre - radii), 0).astype(int)
        high = np.minimum(np.ceil(centre + radii) + 1, mask.shape).astype(int)
        box = tuple(slice(first, end) for first, end in zip(low, high, strict=True))
        away = [
            (line - middle) / radius
            for line, middle, radius in zip(np.ogrid[box], centre, radii, strict=True)
        ]
        out[box] |= known.lung[box] & (away[0] ** 2 + away[1] ** 2 + away[2] ** 2 < 1)
        if out.sum() - mask.sum() >= goal:
            break
    return out


def with_specks(mask: Mask, known: Known, strength: float, draw: Generator) -> Mask:
    """Specks all over the lung: 5 to 155 of 2 to 3 voxels across."""
    places, out = np.argwhere(known.lung), mask.copy()
    for _ in range(round(5 + 150 * strength) if len(places) else 0):
        z, y, x = places[draw.integers(len(places))]
        reach = int(draw.integers(1, 3))
        out[z, max(0, y - reach) : y + reach, max(0, x - reach) : x + reach] = True
    return out


def with_dense_lung(mask: Mask, known: Known, strength: float, draw: Generator) -> Mask:  # noqa: ARG001
    """What is dense is taken for lesion: of the lung outside the mask the densest 2 to 27 %."""
    rest = known.lung & ~mask
    if not rest.any():
        return mask
    means = ndimage.uniform_filter(known.hu.astype(np.float32), (0, 3, 3))
    return np.asarray(mask | (rest & (means > np.quantile(means[rest], 0.98 - 0.25 * strength))))


def only_densest(mask: Mask, known: Known, strength: float, draw: Generator) -> Mask:  # noqa: ARG001
    """Faint ground glass is missed: the least dense tenth to eight tenths of the mask go."""
    means = ndimage.uniform_filter(known.hu.astype(np.float32), (0, 3, 3))
    return np.asarray(mask & (means > np.quantile(means[mask], 0.1 + 0.7 * strength)))


def in_blocks(mask: Mask, known: Known, strength: float, draw: Generator) -> Mask:  # noqa: ARG001
    """Made on a coarse matrix: blocks of 2 to 8 voxels in plane, each by its majority."""
    side = 2 + round(6 * strength)
    z, y, x = mask.shape
    rows, columns = y // side, x // side
    whole = mask[:, : rows * side, : columns * side]
    half = whole.reshape(z, rows, side, columns, side).mean(axis=(2, 4)) >= 0.5
    out = np.zeros_like(mask)
    out[:, : rows * side, : columns * side] = half.repeat(side, axis=1).repeat(side, axis=2)
    return out


DAMAGES: Mapping[str, Damage] = MappingProxyType(
    {
        each.__name__: each
        for each in (
            grown,
            shrunk,
            shifted,
            without_components,
            cut_off,
            smoothed,
            ragged,
            with_false_lesions,
            with_specks,
            with_dense_lung,
            only_densest,
            in_blocks,
        )
    }
)


def damaged(mask: Mask, known: Known, kinds: Mapping[str, float], draw: Generator) -> Mask:
    """The mask after damages, by name with their strengths, in their order.

    One that would leave nothing is left out: an empty mask is another case than a damaged one.

    Raises:
        ValueError: the mask holds nothing, a strength is not within 0 to 1, or there is no such damage.
    """
    if not mask.any():
        raise ValueError("an empty mask cannot be damaged")
    for kind, strength in kinds.items():
        if kind not in DAMAGES or not 0 <= strength <= 1:
            raise ValueError(f"there is no damage {kind!r} of strength {strength}")
        after = DAMAGES[kind](mask, known, strength, draw)
        mask = after if after.any() else mask
    return mask


def _moved_border(mask: Mask, spacing: Spacing, by: np.float64 | NDArray[np.float32], margin: float) -> Mask:
    """The mask's border moved inwards by so many mm, everywhere or voxel by voxel of the mask's box.

    At a tenth of the greatest depth the border stops.
    """
    box = _box(mask, spacing, margin)
    inside = mask[box]
    depth = ndimage.distance_transform_edt(inside, sampling=spacing)
    depth -= ndimage.distance_transform_edt(~inside, sampling=spacing)
    out = np.zeros_like(mask)
    out[box] = depth > np.minimum(by, 0.9 * depth.max())
    return out


def _box(mask: Mask, spacing: Spacing, margin: float) -> tuple[slice, ...]:
    """Around what the mask holds, with a margin in mm, within the array."""
    places = np.argwhere(mask)
    margins = [int(np.ceil(margin / step)) + 1 for step in spacing]
    return tuple(
        slice(max(0, first - more), min(size, last + 1 + more))
        for first, last, more, size in zip(places.min(0), places.max(0), margins, mask.shape, strict=True)
    )
