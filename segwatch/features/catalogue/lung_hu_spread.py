"""Variation of density in the lung that the mask leaves out."""

from segwatch.features.card import Card, Feature
from segwatch.features.reasons import EMPTY_MASK
from segwatch.features.scene import Scene

CARD = Card(
    name="lung_hu_spread",
    what=(
        "1.4826 times the median absolute deviation of block means of HU in the lung outside the lesion "
        "mask, on a grid of about 2.5 mm."
    ),
    unit="HU",
    range="from 0",
    good="low",
    blind_to="Whether it is noise, vessels, or missed lesions that vary.",
    source="Robust scale: Hampel, JASA 1974; what is left of noise after averaging over a block",
    cost="lung",
)


def value(scene: Scene) -> float:
    """Spread outside the lesion."""
    return scene.tissue.healthy[1]


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
