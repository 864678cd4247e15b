"""How unsure the lesion model is."""

from segwatch.features.card import Card, Feature
from segwatch.features.reasons import EMPTY_MASK, NO_PROBABILITIES, NoValue
from segwatch.features.scene import Scene

CARD = Card(
    name="probability_entropy",
    what="Mean over the mask of the entropy of the foreground probability, as segmentation sends it.",
    unit="bit",
    range="0 to 1",
    good="low",
    blind_to="Errors that the model is sure of. Probabilities of two models do not compare.",
    source="Jungo and Reyes, Assessing reliability and challenges of uncertainty estimations, MICCAI 2019",
    cost="given",
)


def value(scene: Scene) -> float:
    """As segmentation sent it."""
    found = scene.probabilities.entropy
    if found is None:
        raise NoValue(NO_PROBABILITIES)
    return found


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
