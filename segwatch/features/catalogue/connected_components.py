"""Number of connected components."""

from segwatch.features.card import Card, Feature
from segwatch.features.scene import Scene

CARD = Card(
    name="connected_components",
    what=(
        "The number of connected components of the lesion mask. Rule `26`: voxels that share a corner "
        "connect. Rule `l1`: voxels within city-block distance 3 connect."
    ),
    unit="1",
    range="whole numbers from 0",
    good="low",
    blind_to=(
        "Where the components are and how large. It grows with real multifocal disease as with a model "
        "that breaks up, and with resolution."
    ),
    source="González et al., section 2.2, connected components",
    cost="core",
)


def value(scene: Scene) -> float:
    """How many components the lesion has."""
    return float(scene.components.count)


FEATURE = Feature(CARD, value, of_empty=0.0)
