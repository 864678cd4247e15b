"""Density of the lung that the mask leaves out."""

from services.features.card import Card, Feature
from services.features.reasons import EMPTY_MASK
from services.features.scene import Scene

CARD = Card(
    name="lung_hu_median",
    what="Median HU of the lung outside the lesion mask, on a grid of about 2.5 mm.",
    unit="HU",
    range="as the CT's",
    good="low",
    blind_to=(
        "Whether the mask is wrong: emphysema, expiration, another window and a missed lesion all move it."
    ),
    source=("Lanza et al., European Radiology 2020: aerated lung; a scan's own reference for HU that shift"),
    cost="lung",
)


def value(scene: Scene) -> float:
    """Median outside the lesion."""
    return scene.tissue.healthy[0]


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
