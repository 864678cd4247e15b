"""What can be measured, and what is refused by name before anything is measured."""

from collections.abc import Sequence
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from segwatch.errors import BadInput, RefusedVolume
from segwatch.features.kernels.compiled import compiled
from segwatch.features.kernels.runs import refuse_too_large
from segwatch.volumes.hounsfield import LARGEST, AskedUnit, Hounsfield, UnitVerdict, in_hounsfield
from segwatch.volumes.image import SPACING_MM
from segwatch.volumes.labels import NEAR

Spacing = tuple[float, float, float]
_NUMBERS = frozenset(np.dtype(name) for name in ("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8"))
"""Native ones that numba knows, and whose sums over a lesion fit 64 bits."""


def as_bytes(mask: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """A mask (z, y, x) as bytes, where every byte but 0 is filled: any label above 0 counts.

    Raises:
        RefusedVolume: `not_a_mask`, values between labels, not finite, or of no such type.
    """
    if mask.dtype in (np.bool_, np.uint8):
        return mask.view(np.uint8)
    if mask.dtype.kind not in "iuf":
        raise RefusedVolume(f"the {name} mask holds {mask.dtype}, not labels", kind="not_a_mask")
    if mask.dtype.kind == "f" and not all(_are_labels(axial) for axial in mask):
        raise RefusedVolume(f"the {name} mask has values between labels: it is no mask", kind="not_a_mask")
    return (mask > 0.5).view(np.uint8)


def _are_labels(axial: NDArray[Any]) -> bool:
    return bool(np.isfinite(axial).all() and (np.abs(axial - np.rint(axial)) <= NEAR).all())


def check_shapes(ct: NDArray[Any], lesion: NDArray[Any], lung: NDArray[Any] | None) -> None:
    """All arrays have the same three axes, and no more voxels than can be measured.

    Raises:
        RefusedVolume: `shapes_differ`, `not_three_axes`, `too_large`.
    """
    if ct.ndim != 3 or ct.size == 0:
        raise RefusedVolume(f"the CT has the shape {ct.shape}; (z, y, x) is needed", kind="not_three_axes")
    refuse_too_large(ct.shape)
    for name, mask in (("lesion", lesion), ("lung", lung)):
        if mask is not None and mask.shape != ct.shape:
            raise RefusedVolume(
                f"the {name} mask has the shape {mask.shape} and the CT {ct.shape}: they must be one",
                kind="shapes_differ",
            )


def check_spacing(spacing: Sequence[float]) -> Spacing:
    """The spacing (z, y, x) in mm as floats.

    Raises:
        RefusedVolume: `bad_spacing`, not three numbers, or none that a CT has.
    """
    steps = tuple(float(step) for step in spacing)
    least, most = SPACING_MM
    if len(steps) != 3 or not all(least <= step <= most for step in steps):
        raise RefusedVolume(
            f"the spacing {steps} is not three lengths (z, y, x) of {least:g} to {most:g} mm",
            kind="bad_spacing",
        )
    return steps[0], steps[1], steps[2]


def as_numbers(ct: NDArray[Any]) -> NDArray[Any]:
    """The CT, known to be finite, in a type of number that kernels are compiled for.

    Raises:
        RefusedVolume: `ct_not_finite`, `ct_not_numbers`.
    """
    if ct.dtype.kind not in "iuf":
        raise RefusedVolume(f"the CT holds {ct.dtype}, not numbers", kind="ct_not_numbers")
    if ct.dtype not in _NUMBERS:
        ct = ct.astype(ct.dtype.newbyteorder("=") if ct.dtype.newbyteorder("=") in _NUMBERS else np.float64)
    if ct.dtype.kind == "f" and not _finite(ct):
        raise RefusedVolume(
            "the CT holds NaN or infinite values, or some beyond float32's range", kind="ct_not_finite"
        )
    return ct


def known_unit(said: str, ct: NDArray[Any]) -> Hounsfield:
    """The CT in HU, and what its values are: as the caller says, or for `auto` as they look.

    Raises:
        BadInput: the caller says something else. RefusedVolume: not_display.
    """
    if said == "unknown":
        return Hounsfield(ct, UnitVerdict("unknown"))
    if said not in get_args(AskedUnit):
        raise BadInput(f"the CT's unit {said!r} is none of {', '.join((*get_args(AskedUnit), 'unknown'))}")
    return in_hounsfield(ct, cast("AskedUnit", said), "the CT")


@compiled
def _finite(ct: NDArray[Any]) -> bool:
    for z in range(ct.shape[0]):
        for y in range(ct.shape[1]):
            odd = 0
            for value in ct[z, y]:
                odd += not abs(value) <= LARGEST  # NaN is not
            if odd > 0:
                return False
    return True
