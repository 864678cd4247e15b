"""How sure the lesion model is of its mask."""

from segwatch.features.card import Card, Feature
from segwatch.features.reasons import EMPTY_MASK, NO_PROBABILITIES, NoValue
from segwatch.features.scene import Scene

CARD = Card(
    name="mean_foreground_probability",
    what="Mean of the softmax probability of lesion over the voxels of the mask.",
    unit="1",
    range="0.5 to 1",
    good="high",
    blind_to=(
        "Errors that the model is sure of, which is what failing silently means. Probabilities of two "
        "models do not compare."
    ),
    source=(
        "Hendrycks and Gimpel, A baseline for detecting misclassified and out-of-distribution examples, "
        "ICLR 2017"
    ),
    cost="given",
)


def value(scene: Scene) -> float:
    """As segmentation sent it."""
    found = scene.probabilities.mean_foreground
    if found is None:
        raise NoValue(NO_PROBABILITIES)
    return found


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
