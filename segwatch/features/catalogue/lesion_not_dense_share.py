"""How much of the mask is not dense lung."""

from segwatch.features.card import Card, Feature
from segwatch.features.reasons import EMPTY_MASK
from segwatch.features.scene import Scene

CARD = Card(
    name="lesion_not_dense_share",
    what=(
        "The share of the lesion mask that is not dense tissue of the lung (see dense_lung_dice), on a "
        "grid of about 2.5 mm: aerated lung, or outside the lung mask."
    ),
    unit="1",
    range="0 to 1",
    good="low",
    blind_to=(
        "What the mask lacks. Faint ground glass, and consolidations that the lung mask leaves out, count "
        "here although they are lesion."
    ),
    source="As dense_lung_dice: its precision",
    cost="lung",
)


def value(scene: Scene) -> float:
    """Share of the mask outside the dense lung."""
    tissue = scene.tissue
    return float((tissue.marked & ~tissue.dense).sum() / tissue.marked.sum())


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
