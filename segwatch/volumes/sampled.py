"""The grid's voxels straight from a NIfTI file, without the scan in memory.

The same numbers as reading the file and resampling it (`segwatch.volumes.grid`), voxel for voxel: a mask's
slices are kept only if the grid needs them, and a CT is interpolated only in boxes where somebody looks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray

from segwatch.contracts.base import Geometry
from segwatch.volumes.ahead import Ahead
from segwatch.volumes.grid import Shape, Taps, nearest_indices, taps_of
from segwatch.volumes.hounsfield import AskedUnit, Census, UnitVerdict, from_display
from segwatch.volumes.image import Array, Mask
from segwatch.volumes.labels import ANY_LABEL, LabelImage, LesionLabel, wanted_in
from segwatch.volumes.outside import air_outside
from segwatch.volumes.read import NIFTI, check_on_voxels
from segwatch.volumes.slices import open_slices

Boxes = NDArray[np.int64]
"""For each slice of the grid y0, y1, x0, x1, ends exclusive: where the CT is needed. Empty where y0 = y1."""
SeeSlice = Callable[[int, Mask], None]


@dataclass(frozen=True)
class SampledCt:
    """The CT on the grid in the boxes that were asked for, 0 elsewhere, and what its values are."""

    array: NDArray[np.int16]
    judged: UnitVerdict


def streamable(paths: list[Path]) -> bool:
    """Whether all are NIfTI files whose slices are axial."""
    return all(_axial(path) for path in paths if path.is_dir() or path.is_file())


def source_geometry(path: Path) -> Geometry:
    """Where a NIfTI file's voxels lie; raises as `open_slices` does."""
    with open_slices(path) as slices:
        return slices.geometry


def sample_mask(
    path: Path,
    like: Geometry,
    shape: Shape,
    see: SeeSlice | None = None,
    *,
    label: LesionLabel | None = None,
    whole: bool = True,
) -> Mask:
    """A mask (z, y, x) on the grid, nearest.

    Args:
        path: a NIfTI file.
        like: the canonical geometry of its CT, on whose voxels it must lie.
        shape: of the grid.
        see: is shown each slice before resampling, with its place along z, in the file's order.
        label: which label of it counts, as in `read_mask`.
        whole: whether the file is read to its last checksum.

    Raises:
        RefusedVolume: as `read_mask` does.
    """
    zs, ys, xs = (nearest_indices(size, count) for size, count in zip(like.shape_zyx, shape, strict=True))
    out = np.zeros(shape, np.bool_)
    image = LabelImage(path.name, ANY_LABEL if label is None else wanted_in(path, label))
    with open_slices(path) as slices:
        check_on_voxels(slices.geometry, like, path.name)
        for z, labels in slices:
            mask = image.mask(labels)
            if see is not None:
                see(z, mask)
            wanted = np.flatnonzero(zs == z)
            if wanted.size and mask.any():
                out[wanted] = _picked(mask, ys, xs)
        image.finish()
        if whole:
            slices.finish()
    return out


def sample_ct(slices: Ahead, boxes: Boxes, shape: Shape, asked: AskedUnit = "auto") -> SampledCt:
    """The CT on the grid, trilinear, rounded half up to int16, in the boxes.

    Args:
        slices: of the CT (`segwatch.volumes.ahead`); where not the whole file is read, only as many are
            taken as are needed, which is all where the unit is to be found out.
        boxes: where it is needed.
        shape: of the grid.
        asked: `display` maps 8-bit values to HU before they are interpolated; `auto` looks what they are.

    Raises:
        RefusedVolume: see `refusals.Kind`.
    """
    out = np.zeros(shape, np.int16)
    census = Census()
    blend = _Blend(taps_of(slices.geometry.shape_zyx, shape), boxes, out)
    for z, values in slices:
        if asked == "auto":
            census.see(values)
        in_hu = from_display(values, slices.name) if asked == "display" else values
        blend.see(z, air_outside(in_hu[None])[0])
        if not slices.whole and blend.done and asked != "auto":
            break
    return SampledCt(out, census.judged() if asked == "auto" else UnitVerdict(asked))


class _Blend:
    """Makes each slice of the grid as soon as both slices around it have been seen."""

    def __init__(self, taps: list[Taps], boxes: Boxes, out: NDArray[np.int16]) -> None:
        self._z_taps, self._y_taps, self._x_taps = taps
        self._boxes = boxes
        self._out = out
        self._before: tuple[int, Array] | None = None
        self._left = {int(z) for z in np.flatnonzero(boxes[:, 1] > boxes[:, 0])}

    @property
    def done(self) -> bool:
        """Whether all that is needed has been made."""
        return not self._left

    def see(self, z: int, values: Array) -> None:
        """Take the next slice of the file, which runs upwards or downwards along z."""
        lower, weight, whole = self._z_taps
        for at in sorted(self._left):
            low, upper_weight = int(lower[at]), float(weight[at])
            high = low + 1 if upper_weight else low
            seen = {z: values, **({self._before[0]: self._before[1]} if self._before else {})}
            if z in (low, high) and low in seen and high in seen:
                _blend_box(
                    _for_kernel(seen[low]),
                    _for_kernel(seen[high]),
                    upper_weight,
                    whole,
                    self._y_taps,
                    self._x_taps,
                    self._boxes[at],
                    self._out[at],
                )
                self._left.discard(at)
        self._before = (z, values)


def _axial(path: Path) -> bool:
    if not path.name.lower().endswith(NIFTI):
        return False
    with open_slices(path) as slices:
        return slices.axial


def _picked(mask: Mask, ys: NDArray[np.int64], xs: NDArray[np.int64]) -> Mask:
    for axis, places in enumerate((ys, xs)):
        if len(places) != mask.shape[axis]:
            mask = mask.take(places, axis=axis)
    return mask


def _for_kernel(values: Array) -> Array:
    """In one of the two types that the kernel is compiled for."""
    return np.ascontiguousarray(values, np.float32 if values.dtype.kind == "f" else np.int16)


def _blend_box_rows(
    lower: Array,
    upper: Array,
    b: float,
    z_whole: int,
    y_taps: Taps,
    x_taps: Taps,
    box: NDArray[np.int64],
    out: NDArray[np.int16],
) -> None:
    """The same sums in the same order as `grid._linear_rows`, in a box of one slice."""
    ys, y_weights, y_whole = y_taps
    xs, x_weights, x_whole = x_taps
    height, width = lower.shape
    scale = np.float64(z_whole) * y_whole * x_whole
    a = z_whole - b
    begin, end = xs[box[2]], min(xs[box[3] - 1] + 1, width - 1)
    row = np.empty(width + 1, np.float64)
    for y in range(box[0], box[1]):
        y0, y1, d = ys[y], min(ys[y] + 1, height - 1), y_weights[y]
        c = y_whole - d
        for x in range(begin, end + 1):
            row[x] = (lower[y0, x] * a + upper[y0, x] * b) * c + (lower[y1, x] * a + upper[y1, x] * b) * d
        row[end + 1] = row[end]
        for x in range(box[2], box[3]):
            f = x_weights[x]
            value = (row[xs[x]] * (x_whole - f) + row[xs[x] + 1] * f) / scale
            out[y, x] = min(max(np.floor(value + 0.5), -32768.0), 32767.0)


_blend_box: Callable[..., None] = numba.njit(cache=True, nogil=True)(_blend_box_rows)
