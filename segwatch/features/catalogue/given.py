"""What the lesion model itself said of its mask, and a second model: comes with it, nothing is computed."""

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


@feature(
    what=(
        "Soft Dice Confidence: twice the sum of the foreground probability over the mask, divided by the "
        "mask's voxels and its sum over the whole scan."
    ),
    good="high",
    blind_to="Errors that the model is sure of. Probabilities of two models do not compare.",
    source="Borges et al., Soft Dice Confidence, 2024, arXiv:2402.10665",
    cost="given",
)
def soft_dice_confidence(scene: Scene) -> float:
    """As segmentation sent it."""
    return _sent(scene.probabilities.soft_dice_confidence)


@feature(
    what="Sum of the foreground probability over the mask, divided by its sum over the whole scan.",
    good="high",
    blind_to="Lesions that the model does not suspect at all.",
    source="The expected recall under the model's own probabilities",
    cost="given",
)
def soft_recall(scene: Scene) -> float:
    """As segmentation sent it."""
    return _sent(scene.probabilities.soft_recall)


@feature(
    what="Dice of the masks at foreground probabilities of 0.3 and 0.7.",
    good="high",
    blind_to="Errors that the model is sure of; nearly always 1 for a model that is always sure.",
    source="As fold_agreement, between two thresholds of one model",
    cost="given",
)
def threshold_agreement(scene: Scene) -> float:
    """As segmentation sent it."""
    return _sent(scene.probabilities.threshold_agreement)


@feature(
    what="Dice of the mask with another model's mask of the same scan, as segmentation sends it.",
    good="high",
    blind_to="Errors that both models make. Opinions of two models do not compare.",
    source="Valindria et al., Reverse classification accuracy, IEEE TMI 2017: Dice by a second segmentation",
    cost="given",
)
def second_opinion_dice(scene: Scene) -> float:
    """As segmentation sent it."""
    return _compared(scene.second_opinion.dice)


@feature(
    what="Share of the mask that another model calls lesion too, as segmentation sends it.",
    good="high",
    blind_to=(
        "Lesions that the mask lacks, and what both models take for lesion. Opinions of two models do not "
        "compare."
    ),
    source="As second_opinion_dice: what the mask has too much",
    cost="given",
)
def second_opinion_precision(scene: Scene) -> float:
    """As segmentation sent it."""
    return _compared(scene.second_opinion.precision)


@feature(
    what="Share of another model's lesion that is in the mask, as segmentation sends it.",
    good="high",
    blind_to="What the mask has too much, and lesions that both models miss. Opinions of two models do not "
    "compare.",
    source="As second_opinion_dice: what the mask lacks",
    cost="given",
)
def second_opinion_recall(scene: Scene) -> float:
    """As segmentation sent it."""
    opinion = scene.second_opinion
    if opinion.dice is not None and opinion.recall is None:
        raise NoValue(Reason.OPINION_EMPTY)
    return _compared(opinion.recall)


def _compared(found: float | None) -> float:
    if found is None:
        raise NoValue(Reason.TOO_SMALL)
    return found


def _sent(found: float | None) -> float:
    if found is None:
        raise NoValue(Reason.NO_PROBABILITIES)
    return found
