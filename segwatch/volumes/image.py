"""An image in memory."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segwatch.contracts.base import Geometry

Array = NDArray[Any]
Mask = NDArray[np.bool_]

MOST_VOXELS = 2**31
"""More than any CT holds; a header that claims more is not believed."""
SPACING_MM = (1e-3, 1e4)
"""Voxels of a CT are no smaller and no larger; a header that says otherwise is damaged."""


@dataclass(frozen=True, slots=True)
class Volume:
    """An array (z, y, x) in canonical axial orientation, and where it lies in the patient.

    x runs to the patient's left, y to posterior, z to superior (DICOM's LPS), up to the tilt that
    `segwatch.volumes.orientation` allows.

    Attributes:
        doubt: of a CT why its values are no HU, as far as its header says; empty where it says nothing.
    """

    array: Array
    geometry: Geometry
    doubt: str = ""

    def __post_init__(self) -> None:
        if self.array.shape != self.geometry.shape_zyx:
            raise ValueError(f"array {self.array.shape} and geometry {self.geometry.shape_zyx} differ")
