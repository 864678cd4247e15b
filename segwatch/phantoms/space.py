"""Coordinates of a phantom in mm, and soft painting on them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float32]
EXTENT_ZYX_MM = (160.0, 345.6, 345.6)
"""What is scanned. The default shape gives voxels of 5 × 2.7 × 2.7 mm."""


@dataclass(frozen=True, slots=True)
class Space:
    """Voxel centres in mm, to be broadcast: x to the left and y to the back from the trunk's axis; height
    from 0 (lowest slice) to 1."""

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    height: Array  # (z, 1, 1)
    y: Array  # (1, y, 1)
    x: Array  # (1, 1, x)

    @classmethod
    def of(cls, shape: tuple[int, int, int]) -> "Space":
        spacing = tuple(extent / n for extent, n in zip(EXTENT_ZYX_MM, shape, strict=True))
        z, y, x = ((np.arange(n) + 0.5) / n for n in shape)
        return cls(
            shape=shape,
            spacing=(spacing[0], spacing[1], spacing[2]),
            height=z.astype(np.float32)[:, None, None],
            y=((y - 0.5) * EXTENT_ZYX_MM[1]).astype(np.float32)[None, :, None],
            x=((x - 0.5) * EXTENT_ZYX_MM[2]).astype(np.float32)[None, None, :],
        )

    @property
    def z(self) -> Array:
        """Height in mm from the lowest slice."""
        return self.height * np.float32(EXTENT_ZYX_MM[0])

    @property
    def edge(self) -> float:
        """How wide a soft edge is: about a voxel in the plane."""
        return 1.2 * self.spacing[2]


def soft(distance: Array, edge: float) -> Array:
    """1 inside (negative distance), 0 outside, a ramp of the width `edge` between."""
    return np.asarray(np.clip(np.float32(0.5) - distance / np.float32(edge), 0, 1))


def paint(hu: Array, cover: Array, value: Array | float) -> None:
    """Blend `value` into the image, in place, where `cover` is above 0."""
    hu += cover * (value - hu)


def radial(x: Array, y: Array, half_x: Array | float, half_y: Array | float, power: float = 2.0) -> Array:
    """Distance in mm from a super-ellipse's outline along the ray from its centre; negative inside."""
    rho = (np.abs(x / half_x) ** power + np.abs(y / half_y) ** power) ** (1 / power)
    return np.asarray(np.hypot(x, y) * (1 - 1 / np.maximum(rho, 1e-3)), np.float32)


def clouds(rng: np.random.Generator, shape: tuple[int, int, int], cells: tuple[int, int, int]) -> Array:
    """Smooth noise of mean 0 and deviation about 1, with about `cells` bumps along each axis."""
    coarse = rng.standard_normal([n + 1 for n in cells]).astype(np.float32)
    zoomed = coarse
    for axis, n in enumerate(shape):  # one axis at a time: three cheap products instead of one dear zoom
        zoomed = _stretch(zoomed, axis, n)
    return np.asarray(zoomed / np.float32(zoomed.std() + 1e-6))


def _stretch(array: Array, axis: int, n: int) -> Array:
    """Interpolate along one axis with a smooth step, so that no creases show."""
    at = np.linspace(0, array.shape[axis] - 1 - 1e-4, n)
    low = at.astype(np.int64)
    share = at - low
    share = (share * share * (3 - 2 * share)).astype(np.float32)
    share = share.reshape([-1 if a == axis else 1 for a in range(array.ndim)])
    return np.asarray(np.take(array, low, axis) * (1 - share) + np.take(array, low + 1, axis) * share)


def blur_z(array: Array, voxels: float) -> Array:
    """A running mean over `voxels` slices (a slab of that thickness)."""
    if voxels <= 1:
        return array
    whole = int(voxels) // 2
    weights = np.ones(2 * whole + 3, np.float32)
    weights[0] = weights[-1] = (voxels - (2 * whole + 1)) / 2
    return np.asarray(ndimage.correlate1d(array, weights / weights.sum(), axis=0, mode="nearest"))
