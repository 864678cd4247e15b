"""A study's arrays from the volume store, and no more of them than its features need.

Unpacking costs more than measuring: masks stay packed until their runs are read, and the CT is unpacked
only in slices that hold lesion or are near it.
"""

from collections.abc import Set as AbstractSet

import numpy as np
from numpy.typing import NDArray

from segwatch.contracts.base import Geometry, ObjectRef
from segwatch.contracts.studies import StudySegmented
from segwatch.errors import CorruptObject
from segwatch.features.card import Cost
from segwatch.features.kernels.masks import BinaryMask
from segwatch.features.near import boxes_near, margin_voxels
from segwatch.features.profiles import FeatureOptions
from segwatch.features.scene import NativeMask, Scene
from segwatch.volumes.codec import decode_bits, decode_slices
from segwatch.volumes.store import VolumeStore


def scene_of(
    study: StudySegmented,
    packed_ct: bytes,
    store: VolumeStore,
    options: FeatureOptions,
    costs: AbstractSet[Cost],
) -> Scene:
    """What features of these costs are measured on: the arrays on the grid, and the mask before resampling.

    Args:
        packed_ct: the bytes of the CT on the grid.
        store: where the masks are fetched from.

    Raises:
        MissingObject, CorruptObject, StoreUnavailable: as the store does; CorruptObject also where the arrays
            are not what the message says. RefusedVolume: as `Scene`.
    """
    lesion = _mask(store, study.lesion_on_grid, study.grid)
    lung = study.lung_on_grid
    native = None
    if "cheap" in costs or lesion.runs.count == 0:  # resampling may have lost it
        native = NativeMask(_mask(store, study.lesion, study.geometry), study.geometry.spacing_zyx_mm)
    margin = margin_voxels(costs, study.grid.spacing_zyx_mm)
    return Scene(
        ct=_ct(packed_ct, study.ct_on_grid, lesion, margin, study.grid),
        lesion=lesion,
        given_lung=None if lung is None else _mask(store, lung, study.grid),
        spacing=study.grid.spacing_zyx_mm,
        ct_unit=study.ct_unit,
        options=options,
        given_native=native,
        given=study.probabilities,
        given_opinion=study.second_opinion,
    )


def _mask(store: VolumeStore, reference: ObjectRef, geometry: Geometry) -> BinaryMask:
    bits, shape = decode_bits(store.get(reference))
    _agree(reference, shape, geometry)
    return BinaryMask(bits=(bits, shape))


def _ct(
    packed: bytes, reference: ObjectRef, lesion: BinaryMask, margin: tuple[int, int, int], grid: Geometry
) -> NDArray[np.generic]:
    """The CT, unpacked in slices no further than the margin from one with lesion."""
    boxes = boxes_near(lesion.runs, margin)
    ct = decode_slices(packed, boxes[:, 1] > boxes[:, 0])
    _agree(reference, ct.shape, grid)
    if ct.dtype != np.int16:
        raise CorruptObject(f"{reference.key} holds {ct.dtype}, not the CT in int16: segment the study again")
    return ct


def _agree(reference: ObjectRef, shape: tuple[int, ...], geometry: Geometry) -> None:
    if shape != geometry.shape_zyx:
        raise CorruptObject(
            f"{reference.key} has the shape {shape} and its message says {geometry.shape_zyx}: "
            "segment the study again"
        )
