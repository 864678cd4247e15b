"""Number of tiny components."""

import numpy as np
from numpy.typing import NDArray

from segwatch.features.card import Card, Feature
from segwatch.features.scene import Scene

CARD = Card(
    name="tiny_components",
    what=(
        "The number of components below 0.1 ml (a ball of 5.8 mm), of the mask before resampling: "
        "resampling loses such components."
    ),
    unit="1",
    range="whole numbers from 0",
    good="low",
    blind_to="True small nodules, which count as specks; specks that hang together.",
    source="The paper's outlook; small components as errors: Kohlberger et al., MICCAI 2012",
    cost="cheap",
)

TINY_ML = 0.1


def value(scene: Scene) -> float:
    """How many components are tiny."""
    return float(np.count_nonzero(tiny(scene)))


def tiny(scene: Scene) -> NDArray[np.bool_]:
    """For each component of the mask as it was made, whether it is below 0.1 ml."""
    z, y, x = scene.native.spacing
    return scene.native_components.voxels * (z * y * x / 1000) < TINY_ML


FEATURE = Feature(CARD, value, of_empty=0.0)
