"""Change between slices, corrected for their distance."""

from segwatch.features.card import Card, Feature
from segwatch.features.reasons import EMPTY_MASK, NO_SLICE_PAIR, NoValue
from segwatch.features.scene import Scene

CARD = Card(
    name="slice_change_at_5mm",
    what=(
        "(1 − segmentation smoothness along z, over all components) · (5 mm / distance of slices)^(2/3): "
        "the overlap that slices 5 mm apart would lose. Slices closer together look smoother; between "
        "slices of one shape the lost overlap was seen to grow as their distance to the power of 2/3 "
        "(ellipsoids of 12 to 40 mm, slices 1 to 8 mm apart). After resampling to 50 slices that distance "
        "is the scan's extent over 50, so a long scan's smoothness looks worse than a short one's; a scan "
        "of fewer slices only has some of them twice, and keeps its own distance. With the distance taken "
        "out they compare."
    ),
    unit="1",
    range="from 0; above 1 only where slices closer than 5 mm hardly overlap",
    good="low",
    blind_to=(
        "What is wrong in the same way on every slice. The power holds while slices overlap: a component "
        "thinner than the distance of slices has Dice near 0 and cannot show more change."
    ),
    source="González et al., section 2.2, with the slice distance taken out",
    cost="cheap",
)

REFERENCE_MM = 5.0
POWER = 2 / 3


def value(scene: Scene) -> float:
    """Lost overlap of consecutive slices, as of slices 5 mm apart."""
    smoothness = scene.axial_overlap.mean
    if smoothness is None:
        raise NoValue(NO_SLICE_PAIR)
    # Slices that resampling repeats are identical pairs, which the smoothness leaves out.
    distance = max(scene.spacing[0], scene.native.spacing[0])
    return float((1 - smoothness) * (REFERENCE_MM / distance) ** POWER)


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK, version=2)
