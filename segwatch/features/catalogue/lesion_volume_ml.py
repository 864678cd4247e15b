"""Volume of the lesion."""

from segwatch.features.card import Card, Feature
from segwatch.features.scene import Scene

CARD = Card(
    name="lesion_volume_ml",
    what="The volume of the lesion mask, of its voxels before resampling.",
    unit="ml",
    range="from 0",
    good="neither",
    blind_to=(
        "Where the lesion is. A large volume is disease or over-segmentation; only beside what is usual "
        "for the site does it say which."
    ),
    source="Roy et al., Bayesian QuickNAT, NeuroImage 2019: a structure's volume as a quality covariate",
    cost="cheap",
)


def value(scene: Scene) -> float:
    """Voxels of the mask as it was made, times a voxel's volume."""
    z, y, x = scene.native.spacing
    return scene.native.mask.runs.voxels * z * y * x / 1000


FEATURE = Feature(CARD, value, of_empty=0.0)
