"""How much of the lung around the lesion is dense."""

from segwatch.features.card import Card, Feature
from segwatch.features.reasons import EMPTY_MASK, NO_RIM, NoValue
from segwatch.features.scene import Scene

CARD = Card(
    name="rim_dense_share",
    what=(
        "Of the lung 3 to 8 mm outside the lesion mask, the share that is dense (see dense_lung_dice), on "
        "a grid of about 2.5 mm: a mask that stops short of its lesion's border has dense lung around it."
    ),
    unit="1",
    range="0 to 1",
    good="low",
    blind_to=(
        "Lesions missed altogether. Vessels, and lesions whose borders fade, have dense lung around them "
        "in truth."
    ),
    source="As rim_contrast_hu, with the scan's own threshold",
    cost="lung",
)


def value(scene: Scene) -> float:
    """Share of the rim that is dense."""
    rim, box = scene.coarse.rim()
    if not rim.any():
        raise NoValue(NO_RIM)
    return float(scene.tissue.dense[box][rim].mean())


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
