"""Distance of slices on the grid that is measured."""

from segwatch.features.card import Card, Feature
from segwatch.features.reasons import EMPTY_MASK
from segwatch.features.scene import Scene

CARD = Card(
    name="slice_distance_mm",
    what=(
        "The distance of neighbouring slices of the grid, in mm: after resampling to 50 slices the scan's "
        "extent over 50."
    ),
    unit="mm",
    range="above 0",
    good="neither",
    blind_to=(
        "Everything about the mask. It tells a scorer how to read what depends on the slices' distance."
    ),
    source="González et al., section 2.2: what smoothness depends on beside the mask",
    cost="cheap",
)


def value(scene: Scene) -> float:
    """The spacing along z."""
    return scene.spacing[0]


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
