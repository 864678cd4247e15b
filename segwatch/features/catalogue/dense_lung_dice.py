"""Agreement with a cheap rule: what is dense in the lung is lesion."""

from segwatch.features.card import Card, Feature
from segwatch.features.reasons import EMPTY_MASK
from segwatch.features.scene import Scene

CARD = Card(
    name="dense_lung_dice",
    what=(
        "Dice of the lesion mask and the lung's dense tissue, on a grid of about 2.5 mm: blocks of the lung "
        "whose HU, averaged with their neighbours in the lung, lie above 0.7 times its lower quartile, "
        "30 % of the way from aerated lung to water."
    ),
    unit="1",
    range="0 to 1",
    good="high",
    blind_to=(
        "Lesions less dense than that, and vessels, which the rule counts as lesion. Where the lung mask "
        "leaves out consolidations, the rule does too. A mask made by such a rule always agrees with it."
    ),
    source=(
        "Reverse classification without a classifier: Valindria et al., IEEE TMI 2017, with a threshold "
        "in its place"
    ),
    cost="lung",
)


def value(scene: Scene) -> float:
    """Dice of the mask and the dense lung."""
    tissue = scene.tissue
    dense, lesion = tissue.dense, tissue.marked
    return 2 * int((dense & lesion).sum()) / (int(dense.sum()) + int(lesion.sum()))


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
