"""Contrast to the lung around the lesion."""

import numpy as np

from segwatch.features.card import Card, Feature
from segwatch.features.coarse import middle_of_blocks
from segwatch.features.reasons import EMPTY_MASK, NO_RIM, NoValue
from segwatch.features.scene import Scene

CARD = Card(
    name="rim_contrast_hu",
    what=(
        "Mean HU of the lesion, minus the mean HU of the lung 3 to 8 mm outside it. The rim is found on a "
        "grid of about 2.5 mm and the CT is sampled at its blocks' middles."
    ),
    unit="HU",
    range="about −1000 to 1000",
    good="high",
    blind_to=(
        "Soft borders, and lesions that fill the lung so that no rim is left. Where the lung mask leaves "
        "out consolidations, so does the rim."
    ),
    source="The paper's outlook; contrast across the surface: Kohlberger et al., MICCAI 2012",
    cost="distance",
)


def value(scene: Scene) -> float:
    """The lesion's mean HU minus the rim's."""
    rim, box = scene.coarse.rim()
    if not rim.any():
        raise NoValue(NO_RIM)
    around = middle_of_blocks(scene.hu, scene.coarse.step)[box][rim]
    return scene.lesion_hu.mean - float(around.mean(dtype=np.float64))


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
