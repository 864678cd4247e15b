"""Foci of pneumonia in the lungs: ground glass with soft borders, and consolidations, often at the pleura."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segwatch.phantoms.anatomy import Outlines
from segwatch.phantoms.patient import Patient
from segwatch.phantoms.space import EXTENT_ZYX_MM, Array, Space, clouds

GROUND_GLASS_HU = (-600.0, -300.0)
CONSOLIDATION_HU = (-50.0, 40.0)


@dataclass(frozen=True, slots=True)
class Lesions:
    """What is added to the lungs.

    Attributes:
        cover: how much of each voxel is diseased (0 to 1).
        hu: what a wholly diseased voxel has.
        mask: the truth: where disease outweighs, inside the lungs.
    """

    cover: Array
    hu: Array
    mask: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Focus:
    centre: NDArray[np.float64]
    radii: NDArray[np.float64]
    hu: float
    border: float


def draw_lesions(space: Space, lines: Outlines, patient: Patient, rng: np.random.Generator) -> Lesions | None:
    """The patient's lesions, which fill the share `patient.load` of the lungs; None where that is 0."""
    distance = lines.lungs
    lung = distance < 0
    if patient.load <= 0:
        return None
    depth, hu, border = _fields(space, _foci(space, distance, patient, rng), rng)
    level = np.quantile(depth[lung], 1 - patient.load)
    cover = np.clip(0.5 + (depth - np.float32(level)) / border, 0, 1) * lung
    mottle = clouds(rng, space.shape, (10, 40, 40))
    return Lesions(cover=cover, hu=hu + 22 * mottle, mask=(depth > level) & lung)


def _foci(space: Space, distance: Array, patient: Patient, rng: np.random.Generator) -> list[_Focus]:
    """Where the foci lie: under the pleura and at the back more often than elsewhere."""
    places = np.argwhere(distance < -2)
    near = -distance[tuple(places.T)]
    back = (places[:, 1] + 0.5) * space.spacing[1] - EXTENT_ZYX_MM[1] / 2
    weight = np.exp(-near / 14.0) * (1 + np.clip(back / 60, -0.6, 1.2)) + 0.02
    chosen = rng.choice(len(places), patient.lesions, p=weight / weight.sum())
    centres = (places[chosen] + 0.5) * space.spacing - [0, EXTENT_ZYX_MM[1] / 2, EXTENT_ZYX_MM[2] / 2]
    return [_focus(centre, rng.random() < patient.consolidated, rng) for centre in centres]


def _focus(centre: NDArray[np.float64], consolidated: bool, rng: np.random.Generator) -> _Focus:
    """Relative sizes only: the load decides how far the foci grow."""
    size = rng.lognormal(0, 0.4) * (0.75 if consolidated else 1.0)
    radii = size * rng.uniform(0.7, 1.4, 3) * [30, 26, 26]
    if consolidated:
        return _Focus(centre, radii, float(rng.uniform(*CONSOLIDATION_HU)), 0.14)
    return _Focus(centre, radii, float(rng.uniform(*GROUND_GLASS_HU)), 0.28)


def _fields(space: Space, foci: list[_Focus], rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """For each voxel how deep it lies in its nearest focus, and that focus' HU and width of border."""
    ragged = 0.13 * clouds(rng, space.shape, (10, 22, 22)) + 0.06 * clouds(rng, space.shape, (16, 50, 50))
    depth = np.full(space.shape, -9, np.float32)
    hu = np.zeros(space.shape, np.float32)
    border = np.full(space.shape, 0.3, np.float32)
    for focus in foci:
        z, y, x = (
            (axis - np.float32(at)) / np.float32(radius)
            for axis, at, radius in zip((space.z, space.y, space.x), focus.centre, focus.radii, strict=True)
        )
        here = 1 - np.sqrt(z * z + y * y + x * x)
        nearer = here > depth
        depth = np.where(nearer, here, depth)
        hu = np.where(nearer, np.float32(focus.hu), hu)
        border = np.where(nearer, np.float32(focus.border), border)
    return depth + ragged, hu, border
