"""How the lesion lies between upper and lower lung."""

from segwatch.features.card import Card, Feature
from segwatch.features.places import centre_zx, share_above_z
from segwatch.features.reasons import EMPTY_MASK
from segwatch.features.scene import Scene

CARD = Card(
    name="lesion_upper_share",
    what="The share of lesion voxels above (towards the head of) the lung mask's centre.",
    unit="1",
    range="0 to 1",
    good="neither",
    blind_to="What is in either half. Covid-19 prefers the lower lung, other disease does not.",
    source="Distribution between zones, as in CT severity scores (Pan et al., Radiology 2020)",
    cost="cheap",
)


def value(scene: Scene) -> float:
    """Share beyond the lung's centre along z."""
    z, _ = centre_zx(scene.lung.runs)
    return share_above_z(scene.runs, z)


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
