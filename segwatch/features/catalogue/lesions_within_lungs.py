"""Share of the lesion that lies in the lung."""

from segwatch.features.card import Card, Feature
from segwatch.features.reasons import EMPTY_MASK
from segwatch.features.scene import Scene

CARD = Card(
    name="lesions_within_lungs",
    what="The share of lesion voxels that lie inside the lung mask (any label above 0).",
    unit="1",
    range="0 to 1; 0 where no lesion voxel is inside, no value where there is no lung",
    good="high",
    blind_to=(
        "Everything inside the lung. It is only as good as the lung mask: one that leaves out "
        "consolidations makes a good lesion mask look bad."
    ),
    source="González et al., section 2.2, lesions within lungs",
    cost="core",
)


def value(scene: Scene) -> float:
    """Lesion voxels in the lung, over all."""
    return scene.inside_lung / scene.runs.voxels


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
