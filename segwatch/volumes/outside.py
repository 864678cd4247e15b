"""What lies outside a CT's field of view, bright or dark, is air.

Scanners reconstruct a circle and fill the corners of the square with one value: the header's Pixel Padding
Value (DICOM PS3.3 C.7.5.1.1.2), which a NIfTI file no longer names. Software that turns images fills with 0.
Read as tissue, such a value shuts the patient in, and the lung is then looked for in front of him.
"""

import numpy as np

from segwatch.volumes.image import Array, Mask

AIR_HU = -1000
_ALREADY_AIR = (-1100, -900)
"""A filling between these is air as it is."""
_LEAST_SIDE = 16
"""Fewer pixels are a cut-out without corners of its own."""
_MOST_OF_A_SLICE = 0.6
"""A value that fills more of a slice and is not named as padding is no padding: a circle leaves 0.21."""


def air_outside(array: Array, *, in_place: bool = False) -> Array:
    """The CT (z, y, x) in HU, with air outside the field of view; itself where that is so already.

    Args:
        in_place: whether it may be written over.
    """
    if array.dtype.kind == "u":
        return array  # no value can be air's
    out, is_ours = array, in_place and array.flags.writeable
    for z, plane in enumerate(array):
        outside = None if is_air(plane[0, 0]) else filled_from_corners(plane)
        if outside is not None:
            if not is_ours:
                out, is_ours = array.copy(), True
            out[z][outside] = AIR_HU
    return out


def filled_from_corners(plane: Array) -> Mask | None:
    """Where a slice (y, x) is filled from its borders on with the value that all four corners share.

    None where they share none, where the slice is a few pixels wide, and where it fills nearly all.
    """
    value = plane[0, 0]
    if min(plane.shape) < _LEAST_SIDE or (plane[[0, -1, -1], [-1, 0, -1]] != value).any():
        return None
    outside = from_borders(plane == value)
    return outside if outside.mean() <= _MOST_OF_A_SLICE else None


def is_air(values: Array) -> Mask:
    """Where values in HU need not be made air."""
    low, high = _ALREADY_AIR
    return np.asarray((values >= low) & (values <= high))


def from_borders(padded: Mask) -> Mask:
    """The pixels of a slice that a straight way from its border reaches, over padded pixels only.

    A pixel in the patient that happens to have the padding's value is not reached.

    Examples:
        >>> padded = np.array([[1, 1, 1, 1], [1, 0, 1, 1], [1, 0, 0, 1], [1, 1, 0, 1]], bool)
        >>> padded[2, 2] = True  # in the patient
        >>> from_borders(padded).astype(int).tolist()
        [[1, 1, 1, 1], [1, 0, 1, 1], [1, 0, 1, 1], [1, 1, 0, 1]]
    """
    reached = np.zeros_like(padded)
    for axis in (0, 1):
        reached |= np.logical_and.accumulate(padded, axis)
        reached |= np.flip(np.logical_and.accumulate(np.flip(padded, axis), axis), axis)
    return reached
