"""Masks to measure speed on: lungs, lesions of a given share of them, specks, and noise."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
GRID = (50, 512, 512)
SPACING = (6.0, 0.7, 0.7)


@dataclass(frozen=True)
class MaskCase:
    """A CT, a lesion and a lung (z, y, x)."""

    name: str
    ct: NDArray[np.int16]
    lesion: Flags
    lung: Flags


def lungs(shape: tuple[int, int, int] = GRID) -> Flags:
    """Two ellipsoids, a fifth of the volume."""
    z, y, x = (axis.astype(np.float32) for axis in _axes(shape))
    beside = np.minimum((x - 0.29) ** 2, (x - 0.71) ** 2) / 0.2**2 + (y - 0.5) ** 2 / 0.33**2
    return np.asarray(beside < 1 - (z - 0.5) ** 2 / 0.48**2)


def ct_of(shape: tuple[int, int, int] = GRID) -> NDArray[np.int16]:
    """Lung and chest with noise."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 30, (shape[1] + 97, shape[2])).astype(np.int16)
    ct = np.where(lungs(shape), np.int16(-850), np.int16(40))
    for z, axial in enumerate(ct):
        axial += np.roll(noise, 31 * z, axis=1)[z % 97 : z % 97 + shape[1]]
    return ct


def blobs(share: float, lung: Flags, seed: int = 1) -> Flags:
    """Balls in the lung until they fill that share of it."""
    rng = np.random.default_rng(seed)
    radius = 0.06 * (share / 0.01) ** (1 / 3)
    out = np.zeros(lung.shape, np.bool_)
    wanted, there = share * np.count_nonzero(lung), 0
    while there < wanted:
        centre, size = rng.uniform(0.1, 0.9, 3), radius * rng.uniform(0.5, 1)
        box = tuple(
            slice(max(0, int((at - size) * n)), int((at + size) * n) + 2)
            for at, n in zip(centre, lung.shape, strict=True)
        )
        z, y, x = (np.arange(n)[part] / n - at for n, part, at in zip(lung.shape, box, centre, strict=True))
        ball = z[:, None, None] ** 2 + y[:, None] ** 2 + x**2 < size**2
        there -= np.count_nonzero(out[box])
        out[box] |= ball & lung[box]
        there += np.count_nonzero(out[box])
    return out


def specks(count: int, lung: Flags, seed: int = 2) -> Flags:
    """So many specks of three voxels, strewn over the lung."""
    rng = np.random.default_rng(seed)
    z, y, x = np.argwhere(lung)[rng.choice(int(lung.sum()), count, replace=False)].T
    out = np.zeros(lung.shape, np.bool_)
    for step in range(3):
        out[z, y, np.minimum(x + step, lung.shape[2] - 1)] = True
    return out


def lattice(count: int, shape: tuple[int, int, int] = GRID) -> Flags:
    """So many single voxels that do not touch; 1,638,400 is every second voxel along each axis."""
    out = np.zeros(shape, np.bool_)
    every = out[::2, ::2, ::2]
    places = np.unravel_index(np.linspace(0, every.size - 1, count).astype(np.int64), every.shape)
    every[places] = True
    return out


def standard_cases() -> list[MaskCase]:
    """Those that the limits are stated for."""
    ct, lung = ct_of(), lungs()
    masks: dict[str, Any] = {f"{share:.0%} of lung": blobs(share, lung) for share in (0.01, 0.06, 0.27)}
    masks["8,900 specks"] = specks(8900, lung)
    return [MaskCase(name, ct, mask, lung) for name, mask in masks.items()]


def _axes(shape: tuple[int, ...]) -> list[NDArray[np.float64]]:
    return [axis.astype(np.float64) for axis in np.ogrid[tuple(slice(0, 1, complex(0, n)) for n in shape)]]
