"""What differs from patient to patient."""

from dataclasses import dataclass

import numpy as np

LEAST_LOAD, MOST_LOAD = 0.005, 0.25


@dataclass(frozen=True, slots=True)
class Patient:
    """Sizes in mm; shares are of the scanned height (0 at the lowest slice) or of the lungs.

    Attributes:
        body: half width and half depth of the trunk.
        squareness: exponent of the trunk's super-ellipse.
        fat: thickness of the fat under the skin.
        wall: thickness of muscle and ribs.
        dome: heights of the right and left diaphragm, as shares.
        heart: half axes (x, y, z).
        heart_at: its centre: x and y in mm, z as a share.
        aeration: HU of healthy lung.
        dependent: how many HU denser the lung is at the back than at the front.
        rib_phase: where the ribs lie along z, as a share of their distance.
        load: the lesions' share of the lungs.
        lesions: how many foci.
        consolidated: the share of foci that are consolidations.
    """

    body: tuple[float, float]
    squareness: float
    fat: float
    wall: float
    dome: tuple[float, float]
    heart: tuple[float, float, float]
    heart_at: tuple[float, float, float]
    aeration: float
    dependent: float
    rib_phase: float
    load: float
    lesions: int
    consolidated: float


def draw_patient(rng: np.random.Generator, load: float | None = None) -> Patient:
    """A patient; without `load` the lesions fill 0.5 to 25 % of the lungs, small loads more often."""
    size = rng.uniform(0.9, 1.04)
    drawn = float(rng.uniform(LEAST_LOAD**0.5, MOST_LOAD**0.5)) ** 2
    foci = int(rng.integers(1, 4)) + round(20 * drawn) + int(rng.integers(0, 5))
    dome = float(rng.uniform(0.10, 0.24))
    return Patient(
        body=(156 * size, float(rng.uniform(102, 118)) * size),
        squareness=float(rng.uniform(2.2, 2.7)),
        fat=float(rng.uniform(6, 18)),
        wall=float(rng.uniform(14, 19)),
        dome=(dome, dome - float(rng.uniform(0.03, 0.09))),
        heart=(float(rng.uniform(46, 60)), float(rng.uniform(36, 46)), float(rng.uniform(42, 54))),
        heart_at=(float(rng.uniform(14, 26)), float(rng.uniform(-34, -22)), float(rng.uniform(0.18, 0.3))),
        aeration=float(rng.uniform(-885, -830)),
        dependent=float(rng.uniform(15, 60)),
        rib_phase=float(rng.uniform(0, 1)),
        load=drawn if load is None else load,
        lesions=foci,
        consolidated=float(rng.uniform(0.1, 0.45)),
    )
