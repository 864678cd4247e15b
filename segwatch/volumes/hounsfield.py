"""What a CT's values are, and how they become Hounsfield units (HU: air −1000, water 0)."""

from collections.abc import Callable
from typing import Literal

import numba
import numpy as np

from segwatch.contracts.studies import CtUnit
from segwatch.volumes.image import Array
from segwatch.volumes.refusals import refused

AskedUnit = Literal["auto", "hu", "display"]
"""What the caller says of the values: nothing, that they are HU, or that they are 8-bit display values."""

AIR_HU = -500
"""Every chest CT in HU has voxels below this: air around the patient and in the lungs."""
DISPLAY_HU = (-1000.0, 400.0)
"""The window that display values 0 to 255 are taken to show."""

LARGEST = float(np.finfo(np.float32).max)


def ct_unit(array: Array) -> Literal["hu", "unknown"]:
    """Whether the values can be HU at all: a chest has air in it, far below zero.

    Display values (0 to 255), stored values without their rescaling, normalised and masked-out images
    do not, and are `unknown`: their intensities mean nothing.
    """
    return "hu" if array.size and array.min() < AIR_HU else "unknown"


def in_hounsfield(array: Array, asked: AskedUnit, name: str) -> tuple[Array, CtUnit]:
    """The CT's values and their unit. Display values are mapped to float32; all others stay as they are.

    Raises:
        RefusedVolume: not_display, where the caller said display and the values do not lie in 0 to 255.
    """
    if asked == "display":
        return _from_display(array, name), "display"
    return array, "hu" if asked == "hu" else ct_unit(array)


def _from_display(array: Array, name: str) -> Array:
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
    if array.dtype.kind in "iu":
        low, high, whole = float(array.min()), float(array.max()), True
    else:
        native = np.asarray(array, array.dtype.newbyteorder("="))
        low, high, whole = _survey(native.ravel(order="K"))
        if not (abs(low) <= LARGEST and abs(high) <= LARGEST):
            raise refused("not_finite", name, "it holds NaN or infinite voxels; export it again")
    fits = whole and low >= -32768 and high <= 32767
    return array.astype(np.int16 if fits else np.float32, copy=False)


def _survey_values(values: Array) -> tuple[float, float, bool]:
    """Lowest, highest, and whether all are whole numbers; NaN as the lowest where one is not finite."""
    low, high, whole = np.inf, -np.inf, True
    for value in values:
        if not np.isfinite(value):
            return np.nan, np.nan, False
        low, high = min(low, value), max(high, value)
        whole = whole and value == np.floor(value)
    return low, high, whole


_survey: Callable[..., tuple[float, float, bool]] = numba.njit(cache=True, nogil=True)(_survey_values)
