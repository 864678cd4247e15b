"""The lesion's density in units of the lung's own variation."""

from segwatch.features.card import Card, Feature
from segwatch.features.reasons import EMPTY_MASK, FLAT_LUNG, NoValue
from segwatch.features.scene import Scene

CARD = Card(
    name="lesion_z_in_lung",
    what=(
        "(Mean HU of the lesion − median HU of the lung outside it) / spread of that lung (1.4826 times "
        "the median absolute deviation of block means), on a grid of about 2.5 mm."
    ),
    unit="spreads",
    range="any; about 1 to 8 where the mask is good",
    good="high",
    blind_to=(
        "A mask that covers dense tissue that is no lesion. A noisy scan, or a diseased lung around the "
        "mask, lowers it."
    ),
    source=(
        "Contrast in units of noise (CNR); González et al., section 2.2, intensity mode, with the scan's "
        "own scale in its place"
    ),
    cost="lung",
)


def value(scene: Scene) -> float:
    """Mean of the lesion over the lung outside it, in spreads."""
    middle, spread = scene.tissue.healthy
    if spread == 0:
        raise NoValue(FLAT_LUNG)
    return (scene.lesion_hu.mean - middle) / spread


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
