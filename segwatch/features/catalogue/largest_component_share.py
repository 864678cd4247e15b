"""How much of the lesion is its largest component."""

from segwatch.features.card import Card, Feature
from segwatch.features.reasons import EMPTY_MASK
from segwatch.features.scene import Scene

CARD = Card(
    name="largest_component_share",
    what="Voxels of the largest component, over all lesion voxels.",
    unit="1",
    range="above 0 to 1",
    good="neither",
    blind_to=(
        "Whether the largest component is right. Bilateral disease has two large components and is no error."
    ),
    source=(
        "Kohlberger et al., Evaluating segmentation error without ground truth, MICCAI 2012: shape features"
    ),
    cost="cheap",
)


def value(scene: Scene) -> float:
    """The largest component's voxels over all."""
    components = scene.components
    return int(components.voxels[components.largest]) / scene.runs.voxels


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
