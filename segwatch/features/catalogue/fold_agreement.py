"""How far the lesion model's folds agree."""

from segwatch.features.card import Card, Feature
from segwatch.features.reasons import EMPTY_MASK, NO_PROBABILITIES, NoValue
from segwatch.features.scene import Scene

CARD = Card(
    name="fold_agreement",
    what="Agreement (Dice) between the masks of the model's folds, as segmentation sends it.",
    unit="1",
    range="0 to 1",
    good="high",
    blind_to="Errors that all folds make, having seen the same kind of scan.",
    source="Roy et al., Bayesian QuickNAT, NeuroImage 2019: agreement between samples predicts Dice",
    cost="given",
)


def value(scene: Scene) -> float:
    """As segmentation sent it."""
    found = scene.probabilities.fold_agreement
    if found is None:
        raise NoValue(NO_PROBABILITIES)
    return found


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
