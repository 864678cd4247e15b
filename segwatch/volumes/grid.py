"""The grid that features are measured on: (50, 512, 512), whatever the scan's own.

With N voxels in the source and n on the grid along an axis, output voxel i samples the source at
(i + 0.5)·N/n − 0.5, clamped to the edges; the nearest voxel is floor((2i + 1)·N / 2n), in integers.
The extent is kept: spacing times N/n, and the origin moves accordingly.

Weights are kept as whole numbers over the denominator 2n, and sums in float64. So a CT in whole HU is
summed exactly, and what lies half-way is rounded up on every machine.
"""

from collections.abc import Callable

import numba
import numpy as np
from numpy.typing import NDArray

from segwatch.contracts.base import Geometry
from segwatch.volumes.image import Array, Mask

Shape = tuple[int, int, int]
Taps = tuple[NDArray[np.int64], NDArray[np.float64], int]
"""Along one axis: lower neighbours, weights of the upper ones as whole numbers, and what makes a whole."""

GRID: Shape = (50, 512, 512)

_KERNEL_TYPES = frozenset({np.dtype(np.int16), np.dtype(np.float32), np.dtype(np.float64)})


def resample_linear(array: Array, shape: Shape = GRID) -> NDArray[np.float32]:
    """The array (z, y, x) on the grid, trilinear, not rounded (beyond float32 itself)."""
    out = np.empty(shape, np.float32)
    _linear(_native(array), *taps_of(array.shape, shape), out, False)
    return out


def resample_ct(array: Array, shape: Shape = GRID) -> NDArray[np.int16]:
    """The CT (z, y, x) in HU on the grid, trilinear, rounded half up.

    What int16 cannot hold becomes its lowest or highest value.
    """
    out = np.empty(shape, np.int16)
    _linear(_native(array), *taps_of(array.shape, shape), out, True)
    return out


def resample_mask(array: Mask, shape: Shape = GRID) -> Mask:
    """The mask (z, y, x) on the grid, nearest."""
    z, y, x = (nearest_indices(size, count) for size, count in zip(array.shape, shape, strict=True))
    out = np.empty(shape, np.bool_)
    _nearest(np.ascontiguousarray(array, np.bool_), z, y, x, out)
    return out


def grid_geometry(geometry: Geometry, shape: Shape = GRID) -> Geometry:
    """Where the grid's voxels lie when a volume of that geometry is resampled: over the same extent."""
    ratio = [size / count for size, count in zip(geometry.shape_zyx, shape, strict=True)]
    z, y, x = (s * r for s, r in zip(geometry.spacing_zyx_mm, ratio, strict=True))
    axes = np.reshape(geometry.direction, (3, 3))
    first = [(r - 1) / 2 * s for s, r in zip(geometry.spacing_zyx_mm, ratio, strict=True)]
    origin = np.asarray(geometry.origin_xyz_mm) + np.asarray(first[::-1]) @ axes
    return Geometry(
        shape_zyx=shape,
        spacing_zyx_mm=(z, y, x),
        origin_xyz_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
        direction=geometry.direction,
    )


def nearest_indices(size: int, count: int) -> NDArray[np.int64]:
    """The source voxel nearest to each of `count` grid voxels along an axis of `size` voxels.

    Examples:
        >>> nearest_indices(3, 6).tolist()
        [0, 0, 1, 1, 2, 2]
    """
    return (2 * np.arange(count, dtype=np.int64) + 1) * size // (2 * count)


def _taps(size: int, count: int) -> Taps:
    """The taps of each of `count` grid voxels along an axis of `size` voxels, in 1/(2·count).

    A voxel beyond an edge has the edge voxel as its lower neighbour and no weight on the upper.
    """
    position = np.clip((2 * np.arange(count, dtype=np.int64) + 1) * size - count, 0, (size - 1) * 2 * count)
    lower, weight = np.divmod(position, 2 * count)
    return lower, weight.astype(np.float64), 2 * count


def taps_of(source: tuple[int, ...], shape: Shape) -> list[Taps]:
    return [_taps(size, count) for size, count in zip(source, shape, strict=True)]


def _native(array: Array) -> Array:
    """The array in a type that the kernel is compiled for."""
    known = array if array.dtype in _KERNEL_TYPES else array.astype(np.float64)
    return np.ascontiguousarray(known)


def _linear_rows(
    source: Array,
    z_taps: Taps,
    y_taps: Taps,
    x_taps: Taps,
    out: Array,
    rounded: bool,
) -> None:
    """Blend planes, then rows, then voxels: each sum is made once and used for all that need it."""
    zs, z_weights, z_whole = z_taps
    ys, y_weights, y_whole = y_taps
    xs, x_weights, x_whole = x_taps
    depth, height, width = source.shape
    plane = np.empty((height, width), np.float64)
    row = np.empty(width + 1, np.float64)
    scale = np.float64(z_whole) * y_whole * x_whole
    for z in range(len(zs)):
        z0, z1, b = zs[z], min(zs[z] + 1, depth - 1), z_weights[z]
        a = z_whole - b
        for y in range(height):
            for x in range(width):
                plane[y, x] = source[z0, y, x] * a + source[z1, y, x] * b
        for y in range(len(ys)):
            y0, y1, d = ys[y], min(ys[y] + 1, height - 1), y_weights[y]
            c = y_whole - d
            for x in range(width):
                row[x] = plane[y0, x] * c + plane[y1, x] * d
            row[width] = row[width - 1]
            for x in range(len(xs)):
                f = x_weights[x]
                value = (row[xs[x]] * (x_whole - f) + row[xs[x] + 1] * f) / scale
                if rounded:
                    value = min(max(np.floor(value + 0.5), -32768.0), 32767.0)
                out[z, y, x] = value


def _nearest_rows(source: Mask, zs: Array, ys: Array, xs: Array, out: Mask) -> None:
    for z in range(len(zs)):
        for y in range(len(ys)):
            if y > 0 and ys[y] == ys[y - 1]:
                out[z, y] = out[z, y - 1]
                continue
            for x in range(len(xs)):
                out[z, y, x] = source[zs[z], ys[y], xs[x]]


_linear: Callable[..., None] = numba.njit(cache=True, nogil=True)(_linear_rows)
_nearest: Callable[..., None] = numba.njit(cache=True, nogil=True)(_nearest_rows)
