"""The lesion's surface, against that of balls."""

import numpy as np

from segwatch.features.card import Card, Feature
from segwatch.features.reasons import EMPTY_MASK
from segwatch.features.scene import Scene
from segwatch.features.surface import surface_mm2

CARD = Card(
    name="surface_roughness",
    what=(
        "The mask's surface, over that of balls of its components' volumes. The surface is 2/3 of the "
        "area of all voxel faces, which is right on average over directions; 1 is a ball."
    ),
    unit="1",
    range="about 0.8 (single voxels) upwards",
    good="low",
    blind_to=(
        "Where the lesion is. Truly ragged disease (crazy paving, reticulation) looks rough too; "
        "partial-volume masks of thick slices look smoother along z."
    ),
    source=(
        "Sphericity, IBSI reference manual (Zwanenburg et al., Radiology 2020), inverted and summed over "
        "components"
    ),
    cost="cheap",
)


def value(scene: Scene) -> float:
    """Surface over that of balls of the components' volumes."""
    z, y, x = scene.spacing
    volumes = scene.components.voxels * (z * y * x)
    balls = np.cbrt(36 * np.pi * volumes**2).sum()
    return surface_mm2(scene.runs, scene.spacing) / float(balls)


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
