"""How the lesion lies between left and right."""

from segwatch.features.card import Card, Feature
from segwatch.features.places import centre_zx, share_above_x
from segwatch.features.reasons import EMPTY_MASK
from segwatch.features.scene import Scene

CARD = Card(
    name="lesion_left_share",
    what="The share of lesion voxels to the patient's left of the lung mask's centre.",
    unit="1",
    range="0 to 1",
    good="neither",
    blind_to=(
        "What is on either side. One-sided disease is real; across a site's studies the mean should stay "
        "near 0.5."
    ),
    source="Distribution between the lungs, as in CT severity scores (Pan et al., Radiology 2020)",
    cost="cheap",
)


def value(scene: Scene) -> float:
    """Share beyond the lung's centre along x."""
    _, x = centre_zx(scene.lung.runs)
    return share_above_x(scene.runs, x)


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
