"""A phantom: a drawn patient, scanned."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segwatch.contracts.base import Geometry
from segwatch.phantoms.acquisition import scan, to_hounsfield
from segwatch.phantoms.anatomy import AIR, BLOOD, BLOOD_WITH_CONTRAST, outlines, tissue
from segwatch.phantoms.lesions import draw_lesions
from segwatch.phantoms.patient import draw_patient
from segwatch.phantoms.scanner import STANDARD, ScannerProfile
from segwatch.phantoms.space import EXTENT_ZYX_MM, Space, paint
from segwatch.phantoms.vessels import draw_airways, draw_vessels

SHAPE = (32, 128, 128)


@dataclass(frozen=True, slots=True)
class Phantom:
    """A chest CT with truth. All arrays (z, y, x), canonical axial orientation.

    Attributes:
        ct: HU, int16.
        lesion: the true lesion mask; it lies inside the lungs.
        lung: the true lung mask, lesions included.
    """

    seed: int
    scanner: ScannerProfile
    ct: NDArray[np.int16]
    lesion: NDArray[np.bool_]
    lung: NDArray[np.bool_]
    geometry: Geometry


def make_phantom(
    seed: int,
    scanner: ScannerProfile = STANDARD,
    *,
    shape: tuple[int, int, int] = SHAPE,
    load: float | None = None,
) -> Phantom:
    """The patient with this seed, scanned.

    The same seed is the same patient under every scanner (the noise too is drawn from it).

    Args:
        seed: 0 or more.
        scanner: see `segwatch.phantoms.scanner.SCANNERS`.
        shape: of the arrays (z, y, x); the extent stays 160 × 346 × 346 mm.
        load: the lesions' share of the lungs, 0 to 0.6; 0 is a patient without lesions; drawn from 0.005
            to 0.25 where it is not given.

    Raises:
        ValueError: seed, shape or load out of range.
    """
    if seed < 0 or min(shape) < 8 or not 0 <= (load or 0) <= 0.6:
        raise ValueError("a phantom needs a seed >= 0, at least 8 voxels a side, and a load from 0 to 0.6")
    for_patient, for_tissue, for_vessels, for_lesions, for_noise = np.random.default_rng(seed).spawn(5)
    space = Space.of(shape)
    patient = draw_patient(for_patient, load)
    lines = outlines(space, patient)
    blood = BLOOD_WITH_CONTRAST if scanner.contrast_agent else BLOOD
    hu = tissue(space, patient, lines, blood, for_tissue)
    lesions = draw_lesions(space, lines, patient, for_lesions)
    if lesions is not None:
        paint(hu, lesions.cover, lesions.hu)
    vessels = draw_vessels(space, lines, for_vessels)
    np.maximum(hu, hu + vessels * (blood - hu), out=hu)
    paint(hu, draw_airways(space, lines), AIR)
    return Phantom(
        seed=seed,
        scanner=scanner,
        ct=to_hounsfield(scan(hu, space, scanner, for_noise)),
        lesion=np.zeros(shape, np.bool_) if lesions is None else lesions.mask,
        lung=lines.lungs < 0,
        geometry=_geometry(space),
    )


def _geometry(space: Space) -> Geometry:
    first = [-extent / 2 + step / 2 for extent, step in zip(EXTENT_ZYX_MM, space.spacing, strict=True)]
    return Geometry(
        shape_zyx=space.shape,
        spacing_zyx_mm=space.spacing,
        origin_xyz_mm=(first[2], first[1], first[0]),
        direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
    )
