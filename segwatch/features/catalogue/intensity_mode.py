"""Mean intensity of the largest component."""

from segwatch.features.card import Card, Feature
from segwatch.features.reasons import EMPTY_MASK
from segwatch.features.sampling import mean_of_component
from segwatch.features.scene import Scene

CARD = Card(
    name="intensity_mode",
    what=(
        "A Gaussian is fitted by maximum likelihood to the CT over all voxels of the largest component; "
        "this is its mean. Of components of one size, the one whose first voxel comes first in raster "
        "order counts."
    ),
    unit="HU",
    range="as the CT's",
    good="neither",
    blind_to=(
        "All other components, and a shape that is wrong over tissue of the same density. A shift of the "
        "whole CT's values moves it as a wrong mask does."
    ),
    source="González et al., section 2.2, intensity mode; all voxels instead of the code's 5000 drawn ones",
    cost="core",
)


def value(scene: Scene) -> float:
    """The largest component's mean HU."""
    return mean_of_component(scene.hu, scene.runs, scene.components, scene.components.largest)


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
