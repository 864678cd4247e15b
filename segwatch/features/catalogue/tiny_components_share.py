"""Share of tiny components."""

import numpy as np

from segwatch.features.card import Card, Feature
from segwatch.features.catalogue.tiny_components import tiny
from segwatch.features.reasons import EMPTY_MASK
from segwatch.features.scene import Scene

CARD = Card(
    name="tiny_components_share",
    what=(
        "The number of components below 0.1 ml, over the number of all components, of the mask before "
        "resampling."
    ),
    unit="1",
    range="0 to 1",
    good="low",
    blind_to="How many there are: one speck beside one lesion is one half, as are 500 beside 500.",
    source="The paper's outlook; small components as errors: Kohlberger et al., MICCAI 2012",
    cost="cheap",
)


def value(scene: Scene) -> float:
    """Tiny components over all."""
    return float(np.mean(tiny(scene)))


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
