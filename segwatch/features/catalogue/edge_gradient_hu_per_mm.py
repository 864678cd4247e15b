"""Gradient of the CT across the mask's edge."""

from segwatch.features.card import Card, Feature
from segwatch.features.reasons import EMPTY_MASK, NO_EDGE, NoValue
from segwatch.features.sampling import mean_edge_step
from segwatch.features.scene import Scene

CARD = Card(
    name="edge_gradient_hu_per_mm",
    what=(
        "Mean over all ends of the mask's runs along x of the absolute difference between the last voxel "
        "inside and the first outside, over their distance."
    ),
    unit="HU/mm",
    range="from 0",
    good="high",
    blind_to=(
        "Edges along y and z. Ground glass has soft borders in truth; noise and sharp kernels raise it "
        "everywhere."
    ),
    source=(
        "Kohlberger et al., Evaluating segmentation error without ground truth, MICCAI 2012: intensity "
        "gradient on the surface"
    ),
    cost="cheap",
)


def value(scene: Scene) -> float:
    """Mean absolute step at the ends of runs, for each mm."""
    step = mean_edge_step(scene.hu, scene.runs)
    if step is None:
        raise NoValue(NO_EDGE)
    return step / scene.spacing[2]


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
