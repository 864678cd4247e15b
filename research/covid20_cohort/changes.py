"""What another scanner, protocol or export does to a scan, on levels between 0 and 1.

Each change takes levels (z, y, x), a strength from 0 (hardly seen) to 1 (beyond what is usual), and a
generator; it returns levels of the same shape. `thicker` changes the geometry and stands apart.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.random import Generator
from scipy import ndimage

from research.covid20_cohort.covid20 import Levels, Scan
from segwatch.cohorts.scanner_changes import slab_majorities, slab_means

Change = Callable[[Levels, float, Generator], Levels]
_FEWEST_SLICES = 6


def gamma(levels: Levels, strength: float, draw: Generator) -> Levels:
    """Darker or brighter mid-tones: another display curve. Exponents from 1/3.3 to 3.3."""
    exponent = np.exp(_sign(draw) * (0.1 + 1.1 * strength))
    return np.asarray(levels**exponent, np.float32)


def noise(levels: Levels, strength: float, draw: Generator) -> Levels:
    """Low dose: noise of 0.02 to 0.2 (28 to 280 HU), correlated over about a voxel by the kernel."""
    raw = draw.standard_normal(levels.shape, np.float32)
    grain = ndimage.gaussian_filter(raw, (0, 0.6, 0.6))
    return np.asarray(levels + grain / grain.std() * (0.02 + 0.18 * strength), np.float32)


def blur(levels: Levels, strength: float, draw: Generator) -> Levels:  # noqa: ARG001 - nothing is drawn
    """A soft kernel or motion: Gaussian of 0.5 to 4 voxels in plane."""
    sigma = 0.5 + 3.5 * strength
    return np.asarray(ndimage.gaussian_filter(levels, (0, sigma, sigma)), np.float32)


def contrast(levels: Levels, strength: float, draw: Generator) -> Levels:
    """Flatter or harder contrast about the scan's mean: factors from 0.37 to 2.7."""
    factor = np.exp(_sign(draw) * (0.1 + 0.9 * strength))
    middle = np.float32(levels.mean())
    return (levels - middle) * np.float32(factor) + middle


def resolution(levels: Levels, strength: float, draw: Generator) -> Levels:  # noqa: ARG001
    """A coarse matrix enlarged again: every 2nd to 8th voxel in plane, linearly between them."""
    factor = 2 + round(6 * strength)
    _, height, width = levels.shape
    small = ndimage.zoom(levels, (1, 1 / factor, 1 / factor), order=1, grid_mode=True, mode="nearest")
    scale = (1, height / small.shape[1], width / small.shape[2])
    return np.asarray(ndimage.zoom(small, scale, order=1, grid_mode=True, mode="nearest"), np.float32)


def bias_field(levels: Levels, strength: float, draw: Generator) -> Levels:
    """Shading that varies smoothly over the body (beam hardening, scatter): up to ± 0.05 to 0.4."""
    coarse = draw.standard_normal((3, 4, 4)).astype(np.float32)
    scale = [size / count for size, count in zip(levels.shape, coarse.shape, strict=True)]
    field = ndimage.zoom(coarse, scale, order=1, grid_mode=True, mode="nearest")
    return np.asarray(levels + field / np.abs(field).max() * (0.05 + 0.35 * strength), np.float32)


def window(levels: Levels, strength: float, draw: Generator) -> Levels:
    """Exported with another window: its level shifted by up to ± 0.35 and its width scaled."""
    level = _sign(draw) * (0.03 + 0.32 * strength)
    width = np.exp(draw.uniform(-0.5, 0.5) * strength)
    return (levels - np.float32(0.5 + level)) / np.float32(width) + np.float32(0.5)


CHANGES: Mapping[str, Change] = MappingProxyType(
    {
        "gamma": gamma,
        "noise": noise,
        "blur": blur,
        "contrast": contrast,
        "resolution": resolution,
        "bias_field": bias_field,
        "window": window,
    }
)


def changed(levels: Levels, kind: str, strength: float, draw: Generator) -> Levels:
    """The levels after a change, as an 8-bit export would hold them: within 0 to 1 in steps of 1/255."""
    if not 0 <= strength <= 1:
        raise ValueError(f"a strength is within 0 to 1, not {strength}")
    values = CHANGES[kind](levels, strength, draw)
    return np.asarray(np.rint(np.clip(values, 0, 1) * 255) / 255, np.float32)


def thicker(scan: Scan, factor: int) -> Scan:
    """The scan in slices that are `factor` times as thick: CT averaged, masks by majority (half counts)."""
    if factor == 1 or len(scan.levels) < 2 * factor:
        return scan
    z, y, x = scan.spacing
    return replace(
        scan,
        levels=np.asarray(np.rint(slab_means(scan.levels, factor) * 255) / 255, np.float32),
        truth=slab_majorities(scan.truth, factor),
        expert_lung=slab_majorities(scan.expert_lung, factor),
        spacing=(z * factor, y, x),
    )


def part(scan: Scan, share: float, where: float) -> Scan:
    """Consecutive slices: `share` of them, at least 6, from the bottom (`where` 0) to the top (1)."""
    total = len(scan.levels)
    count = min(total, max(_FEWEST_SLICES, round(share * total)))
    first = round(where * (total - count))
    left = slice(first, first + count)
    return replace(scan, levels=scan.levels[left], truth=scan.truth[left], expert_lung=scan.expert_lung[left])


def flipped(scan: Scan, axis: int) -> Scan:
    """The scan as an export with a wrong orientation shows it: turned over along z (0), y (1) or x (2)."""
    return replace(
        scan,
        levels=np.flip(scan.levels, axis).copy(),
        truth=np.flip(scan.truth, axis).copy(),
        expert_lung=np.flip(scan.expert_lung, axis).copy(),
    )


def _sign(draw: Generator) -> float:
    return float(draw.choice((-1.0, 1.0)))
