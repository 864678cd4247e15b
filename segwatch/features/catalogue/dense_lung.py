"""The mask against a cheap rule: what is dense in the lung is lesion."""

from segwatch.features.card import feature
from segwatch.features.reasons import NoValue, Reason
from segwatch.features.scene import Scene


@feature(
    what=(
        "Dice of the lesion mask and the lung's dense tissue, on a grid of about 2.5 mm: blocks of the lung "
        "whose HU, averaged with their neighbours in the lung, lie above 0.7 times its lower quartile, "
        "30 % of the way from aerated lung to water."
    ),
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
def dense_lung_dice(scene: Scene) -> float:
    """Dice of the mask and the dense lung."""
    tissue = scene.tissue
    dense, lesion = tissue.dense, tissue.marked
    return 2 * int((dense & lesion).sum()) / (int(dense.sum()) + int(lesion.sum()))


@feature(
    what=(
        "The share of the lung's dense tissue (see dense_lung_dice) that is not in the lesion mask, on a "
        "grid of about 2.5 mm."
    ),
    good="low",
    blind_to=(
        "What the mask has too much. Vessels count as dense, so it is above 0 for a perfect mask, and by "
        "more the fewer lesions there are."
    ),
    source="As dense_lung_dice: its recall",
    cost="lung",
)
def dense_lung_missed_share(scene: Scene) -> float:
    """Share of the dense lung outside the mask."""
    return scene.tissue.missed


@feature(
    what=(
        "The share of the lesion mask that is not dense tissue of the lung (see dense_lung_dice), on a "
        "grid of about 2.5 mm: aerated lung, or outside the lung mask."
    ),
    good="low",
    blind_to=(
        "What the mask lacks. Faint ground glass, and consolidations that the lung mask leaves out, count "
        "here although they are lesion."
    ),
    source="As dense_lung_dice: its precision",
    cost="lung",
)
def lesion_not_dense_share(scene: Scene) -> float:
    """Share of the mask outside the dense lung."""
    tissue = scene.tissue
    return float((tissue.marked & ~tissue.dense).sum() / tissue.marked.sum())


@feature(
    what=(
        "Of the lung 3 to 8 mm outside the lesion mask, the share that is dense (see dense_lung_dice), on "
        "a grid of about 2.5 mm: a mask that stops short of its lesion's border has dense lung around it."
    ),
    good="low",
    blind_to=(
        "Lesions missed altogether. Vessels, and lesions whose borders fade, have dense lung around them "
        "in truth."
    ),
    source="As rim_contrast_hu, with the scan's own threshold",
    cost="lung",
)
def rim_dense_share(scene: Scene) -> float:
    """Share of the rim that is dense."""
    rim, box = scene.coarse.rim()
    if not rim.any():
        raise NoValue(Reason.NO_RIM)
    return float(scene.tissue.dense[box][rim].mean())
