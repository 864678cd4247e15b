"""What the lesion model itself said of its mask: comes with it, nothing is computed."""

from segwatch.features.card import feature
from segwatch.features.reasons import NoValue, Reason
from segwatch.features.scene import Scene


@feature(
    what="Mean of the softmax probability of lesion over the voxels of the mask.",
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
def mean_foreground_probability(scene: Scene) -> float:
    """As segmentation sent it."""
    return _sent(scene.probabilities.mean_foreground)


@feature(
    what="Mean over the mask of the entropy of the foreground probability, as segmentation sends it.",
    unit="bit",
    good="low",
    blind_to="Errors that the model is sure of. Probabilities of two models do not compare.",
    source="Jungo and Reyes, Assessing reliability and challenges of uncertainty estimations, MICCAI 2019",
    cost="given",
)
def probability_entropy(scene: Scene) -> float:
    """As segmentation sent it."""
    return _sent(scene.probabilities.entropy)


@feature(
    what="Agreement (Dice) between the masks of the model's folds, as segmentation sends it.",
    good="high",
    blind_to="Errors that all folds make, having seen the same kind of scan.",
    source="Roy et al., Bayesian QuickNAT, NeuroImage 2019: agreement between samples predicts Dice",
    cost="given",
)
def fold_agreement(scene: Scene) -> float:
    """As segmentation sent it."""
    return _sent(scene.probabilities.fold_agreement)


def _sent(found: float | None) -> float:
    if found is None:
        raise NoValue(Reason.NO_PROBABILITIES)
    return found
