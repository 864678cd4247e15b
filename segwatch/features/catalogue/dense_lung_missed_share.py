"""How much of the dense lung the mask leaves out."""

from segwatch.features.card import Card, Feature
from segwatch.features.reasons import EMPTY_MASK
from segwatch.features.scene import Scene

CARD = Card(
    name="dense_lung_missed_share",
    what=(
        "The share of the lung's dense tissue (see dense_lung_dice) that is not in the lesion mask, on a "
        "grid of about 2.5 mm."
    ),
    unit="1",
    range="0 to 1",
    good="low",
    blind_to=(
        "What the mask has too much. Vessels count as dense, so it is above 0 for a perfect mask, and by "
        "more the fewer lesions there are."
    ),
    source="As dense_lung_dice: its recall",
    cost="lung",
)


def value(scene: Scene) -> float:
    """Share of the dense lung outside the mask."""
    return scene.tissue.missed


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
