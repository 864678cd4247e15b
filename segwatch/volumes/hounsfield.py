"""What a CT's values are, and how they become Hounsfield units (HU: air −1000, water 0).

One rule, whichever way a CT comes in: `judged`. What it cannot be sure of is `unknown`, with the reason.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from segwatch.contracts.studies import CtUnit
from segwatch.volumes.image import Array
from segwatch.volumes.outside import air_outside, filled_from_corners, is_air
from segwatch.volumes.refusals import refused

AskedUnit = Literal["auto", "hu", "display"]
"""What the caller says of the values: nothing, that they are HU, or that they are 8-bit display values."""

DISPLAY_HU = (-1000.0, 400.0)
"""The window that display values 0 to 255 are taken to show."""
LARGEST = float(np.finfo(np.float32).max)

_LEAST, _MOST = -4096, 4096
"""What is counted value by value; all else counts with its end."""
_LOOKED_AT = 128
"""About as many pixels of a slice's longer side are looked at."""
_EMPTIER_THAN_AIR = -1300
"""No noise goes so far below air. A second intercept does, and so does padding."""
_AIR = (_EMPTIER_THAN_AIR, -600)
_LUNG = (-949, -501)
"""Neither the air around a patient nor any tissue: aerated lung."""
_EMPTY = -820
"""Air in a windpipe and around a patient lies below it, and so does much of a lung."""
_TISSUE = -300
_SOFT = (-200, 250)
"""Fat, muscle, blood, and blood with contrast."""
_LEAST_SHARE = 0.01
_LEAST_LUNG = 0.005
_LEAST_EMPTY = 0.001
_LEAST_SOFT = 0.5
"""Of all tissue; the rest is bone, metal and what lies between."""
_MOST_ALIKE = 0.5
"""Of all tissue, with one value: more is a window's end, or stands for what was cut away."""
_DRAWN = 100
"""So few different values no scanner measures: who draws a chest of plain values cuts nothing off."""


@dataclass(frozen=True, slots=True)
class UnitVerdict:
    """What a CT's values are; `doubt` says why they are `unknown`."""

    unit: CtUnit
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Hounsfield:
    """A CT's values (z, y, x), air outside the field of view, in HU where `judged` says so."""

    array: Array
    judged: UnitVerdict

    @property
    def unit(self) -> CtUnit:
        """Of the values."""
        return self.judged.unit


class Census:
    """How often each value is, counted slice by slice, in whatever order, without what pads a slice."""

    def __init__(self) -> None:
        self._counts = np.zeros(_MOST - _LEAST + 1, np.int64)
        self._padded_with_air = False

    def see(self, plane: Array) -> None:
        """Count a canonical slice (y, x)."""
        step = max(1, max(plane.shape) // _LOOKED_AT)
        values = plane[::step, ::step]
        outside = filled_from_corners(plane)
        values = values.ravel() if outside is None else values[~outside[::step, ::step]]
        self._padded_with_air |= outside is not None and bool(is_air(plane[0, 0]))
        whole = np.floor(np.clip(values, _LEAST, _MOST)).astype(np.int64) - _LEAST
        self._counts += np.bincount(whole, minlength=len(self._counts))

    def judged(self) -> UnitVerdict:
        """What the values are that were counted."""
        doubt = _doubt(self._counts, self._padded_with_air)
        return UnitVerdict("unknown", doubt) if doubt else UnitVerdict("hu")


def judged(array: Array) -> UnitVerdict:
    """Whether the values (z, y, x) are HU: a chest has air, lung and soft tissue, each at its place.

    Display values (0 to 255), stored values without their intercept or with two of them, normalised,
    windowed and masked-out images and maps of iodine have not, and are `unknown`: their intensities mean
    nothing. What differs from HU by less than about 200 is not found out.
    """
    census = Census()
    for plane in array:
        census.see(plane)
    return census.judged()


def _doubt(counts: NDArray[np.int64], padded_with_air: bool) -> str:
    """Why values with these counts are no HU; empty where they can be."""
    counts = counts.copy()
    below = counts[: _EMPTIER_THAN_AIR - _LEAST]
    below[below.argmax()] = 0  # one value far below air is padding, wherever it lies
    total = int(counts.sum())
    if total == 0:
        return "it holds nothing but padding"

    def within(low: int, high: int) -> int:
        return int(counts[low - _LEAST : high + 1 - _LEAST].sum())

    if below.sum() > _LEAST_SHARE * total:
        share = f"{below.sum() / total:.0%} of its voxels lie below {_EMPTIER_THAN_AIR}"
        return f"{share}: was an intercept applied twice?"
    if within(*_AIR) < _LEAST_SHARE * total:
        return f"hardly a voxel lies between {_AIR[0]} and {_AIR[1]}, where air and lung are"
    if within(*_LUNG) < _LEAST_LUNG * total:
        return f"hardly a voxel lies between {_LUNG[0]} and {_LUNG[1]}, where lung is"
    tissue = within(_TISSUE, _MOST)
    if tissue < _LEAST_SHARE * total or within(*_SOFT) < _LEAST_SOFT * tissue:
        return f"soft tissue does not lie between {_SOFT[0]} and {_SOFT[1]}"
    if np.count_nonzero(counts) < _DRAWN:
        return ""
    if not padded_with_air and within(_EMPTIER_THAN_AIR, _EMPTY) < _LEAST_EMPTY * total:
        return f"hardly a voxel lies below {_EMPTY}, where air is: are its values too high?"
    alike = counts[_TISSUE - _LEAST :]
    if alike.max() > _MOST_ALIKE * tissue:
        value = int(alike.argmax()) + _TISSUE
        return f"{alike.max() / tissue:.0%} of its tissue has one value ({value}): was it cut off there?"
    return ""


def in_hounsfield(
    array: Array, asked: AskedUnit, name: str, doubt: str = "", *, in_place: bool = False
) -> Hounsfield:
    """The CT's values (z, y, x) and their unit, air outside the field of view.

    Display values are mapped to float32; values that are `unknown` stay as they are.

    Args:
        array: as it was read.
        asked: what the caller says of it; `hu` is taken at its word.
        name: of the file, for messages.
        doubt: why the values are no HU, as far as the file's header says.
        in_place: whether the caller needs the array no more as it was: a CT fills much of a small memory.

    Raises:
        RefusedVolume: not_display, where the caller said display and the values do not lie in 0 to 255.
    """
    if asked == "display":
        return Hounsfield(air_outside(from_display(array, name)), UnitVerdict("display"))
    found = UnitVerdict("hu") if asked == "hu" else UnitVerdict("unknown", doubt) if doubt else judged(array)
    return Hounsfield(array if found.unit == "unknown" else air_outside(array, in_place=in_place), found)


def from_display(array: Array, name: str) -> Array:
    """Values 0 to 255 mapped to HU, float32.

    Raises:
        RefusedVolume: not_display.
    """
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > 255:
        raise refused(
            "not_display",
            name,
            f"its values run from {low:g} to {high:g}, so they are not 8-bit display values; "
            "leave the unit at auto",
        )
    lowest, highest = DISPLAY_HU
    mapped = array.astype(np.float32)
    mapped *= np.float32((highest - lowest) / 255)
    mapped += np.float32(lowest)
    return mapped


def compact(array: Array, name: str) -> Array:
    """The same values as int16 where that holds them all exactly, as float32 otherwise.

    Raises:
        RefusedVolume: not_finite.
    """
    low, high, whole = _extent(array)
    if not (abs(low) <= LARGEST and abs(high) <= LARGEST):
        raise refused("not_finite", name, "it holds NaN or infinite voxels; export it again")
    return array.astype(np.int16 if _fits_int16(low, high, whole) else np.float32, copy=False)


def fits_int16(array: Array) -> bool:
    """Whether int16 holds all values of a slice exactly."""
    return bool(((array >= -32768) & (array <= 32767) & (array == np.floor(array))).all())


def _fits_int16(low: float, high: float, whole: bool) -> bool:
    return whole and low >= -32768 and high <= 32767


def _extent(array: Array) -> tuple[float, float, bool]:
    """Lowest, highest, and whether all are whole numbers; NaN as the lowest where one is not finite."""
    if array.dtype.kind in "iu":
        return float(array.min()), float(array.max()), True
    native = np.asarray(array, array.dtype.newbyteorder("="))
    return _survey()(native.ravel(order="K"))


def _survey_values(values: Array) -> tuple[float, float, bool]:
    """Lowest, highest, and whether all are whole numbers; NaN as the lowest where one is not finite."""
    low, high, whole = np.inf, -np.inf, True
    for value in values:
        if not np.isfinite(value):
            return np.nan, np.nan, False
        low, high = min(low, value), max(high, value)
        whole = whole and value == np.floor(value)
    return low, high, whole


@cache
def _survey() -> Callable[..., tuple[float, float, bool]]:
    """The same, compiled. DICOM needs it not, and ingest is 60 MB smaller without the compiler."""
    import numba

    compiled: Callable[..., tuple[float, float, bool]] = numba.njit(cache=True, nogil=True)(_survey_values)
    return compiled
