"""Share of slices with lesion."""

import numpy as np

from segwatch.features.card import Card, Feature
from segwatch.features.places import voxels_per_slice
from segwatch.features.reasons import EMPTY_MASK
from segwatch.features.scene import Scene

CARD = Card(
    name="filled_slices_share",
    what="Axial slices that hold lesion, over the slices from the lesion's first to its last.",
    unit="1",
    range="above 0 to 1",
    good="high",
    blind_to="What lies within a slice. Two lesions far apart leave true gaps between them.",
    source="The paper's outlook: slices that a model skipped",
    cost="cheap",
)


def value(scene: Scene) -> float:
    """Filled slices over the extent along z."""
    filled = np.flatnonzero(voxels_per_slice(scene.runs))
    return len(filled) / float(filled[-1] - filled[0] + 1)


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
