"""Distance to the lung's border."""

from segwatch.features.card import Card, Feature
from segwatch.features.reasons import EMPTY_MASK
from segwatch.features.scene import Scene

CARD = Card(
    name="lung_border_distance_mm",
    what=(
        "Mean over the lesion voxels inside the lung of the distance to the nearest place that is not "
        "lung, on a grid of about 2.5 mm."
    ),
    unit="mm",
    range="from about 2.5",
    good="neither",
    blind_to=(
        "Lesion outside the lung. Covid-19 lies at the pleura, other disease does not; vessels and "
        "airways that the lung mask leaves out count as borders."
    ),
    source="Peripheral distribution, as radiologists describe it (Bernheim et al., Radiology 2020)",
    cost="distance",
)


def value(scene: Scene) -> float:
    """Mean depth in the lung."""
    return scene.coarse.mean_depth()


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
