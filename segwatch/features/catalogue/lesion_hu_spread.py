"""Spread of HU within the lesion."""

from segwatch.features.card import Card, Feature
from segwatch.features.reasons import EMPTY_MASK
from segwatch.features.scene import Scene

CARD = Card(
    name="lesion_hu_spread",
    what="Standard deviation of the CT over all lesion voxels.",
    unit="HU",
    range="from 0",
    good="neither",
    blind_to=(
        "Which voxels differ. It grows with the scan's noise and kernel as with a mask that takes in "
        "other tissue, which is what makes it useful where scanners change."
    ),
    source="First-order statistics, IBSI reference manual (Zwanenburg et al., Radiology 2020)",
    cost="cheap",
)


def value(scene: Scene) -> float:
    """Standard deviation over all lesion voxels."""
    return scene.lesion_hu.deviation


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
