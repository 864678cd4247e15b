"""How large the lesion is, how it falls apart, how rough it is."""

import numpy as np
from numpy.typing import NDArray

from segwatch.features.card import feature
from segwatch.features.kernels.extent import voxels_per_slice
from segwatch.features.kernels.surface import surface_mm2
from segwatch.features.reasons import NoValue, Reason
from segwatch.features.scene import Scene

TINY_ML = 0.1
REFERENCE_MM = 5.0
POWER = 2 / 3


@feature(
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
    of_empty=0.0,
)
def lesion_volume_ml(scene: Scene) -> float:
    """Voxels of the mask as it was made, times a voxel's volume."""
    z, y, x = scene.native.spacing
    return scene.native.mask.runs.voxels * z * y * x / 1000


@feature(
    what="Voxels of the largest component, over all lesion voxels.",
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
def largest_component_share(scene: Scene) -> float:
    """The largest component's voxels over all."""
    components = scene.components
    return int(components.voxels[components.largest]) / scene.runs.voxels


@feature(
    what=(
        "The number of components below 0.1 ml (a ball of 5.8 mm), of the mask before resampling: "
        "resampling loses such components."
    ),
    range="whole numbers from 0",
    good="low",
    blind_to="True small nodules, which count as specks; specks that hang together.",
    source="The paper's outlook; small components as errors: Kohlberger et al., MICCAI 2012",
    cost="cheap",
    of_empty=0.0,
)
def tiny_components(scene: Scene) -> float:
    """How many components are tiny."""
    return float(np.count_nonzero(tiny(scene)))


def tiny(scene: Scene) -> NDArray[np.bool_]:
    """For each component of the mask as it was made, whether it is below 0.1 ml."""
    z, y, x = scene.native.spacing
    return scene.native_components.voxels * (z * y * x / 1000) < TINY_ML


@feature(
    what=(
        "The number of components below 0.1 ml, over the number of all components, of the mask before "
        "resampling."
    ),
    good="low",
    blind_to="How many there are: one speck beside one lesion is one half, as are 500 beside 500.",
    source="The paper's outlook; small components as errors: Kohlberger et al., MICCAI 2012",
    cost="cheap",
)
def tiny_components_share(scene: Scene) -> float:
    """Tiny components over all."""
    return float(np.mean(tiny(scene)))


@feature(
    what="Axial slices that hold lesion, over the slices from the lesion's first to its last.",
    range="above 0 to 1",
    good="high",
    blind_to="What lies within a slice. Two lesions far apart leave true gaps between them.",
    source="The paper's outlook: slices that a model skipped",
    cost="cheap",
)
def filled_slices_share(scene: Scene) -> float:
    """Filled slices over the extent along z."""
    filled = np.flatnonzero(voxels_per_slice(scene.runs))
    return len(filled) / float(filled[-1] - filled[0] + 1)


@feature(
    what=(
        "(1 − segmentation smoothness along z, over all components) · (5 mm / distance of slices)^(2/3): "
        "the overlap that slices 5 mm apart would lose. Slices closer together look smoother; between "
        "slices of one shape the lost overlap was seen to grow as their distance to the power of 2/3 "
        "(ellipsoids of 12 to 40 mm, slices 1 to 8 mm apart). After resampling to 50 slices that distance "
        "is the scan's extent over 50, so a long scan's smoothness looks worse than a short one's; a scan "
        "of fewer slices only has some of them twice, and keeps its own distance. With the distance taken "
        "out they compare."
    ),
    range="from 0; above 1 only where slices closer than 5 mm hardly overlap",
    good="low",
    blind_to=(
        "What is wrong in the same way on every slice. The power holds while slices overlap: a component "
        "thinner than the distance of slices has Dice near 0 and cannot show more change."
    ),
    source="González et al., section 2.2, with the slice distance taken out",
    cost="cheap",
    version=2,
)
def slice_change_at_5mm(scene: Scene) -> float:
    """Lost overlap of consecutive slices, as of slices 5 mm apart."""
    smoothness = scene.axial_overlap.mean
    if smoothness is None:
        raise NoValue(Reason.NO_SLICE_PAIR)
    # Slices that resampling repeats are identical pairs, which the smoothness leaves out.
    distance = max(scene.spacing[0], scene.native.spacing[0])
    return float((1 - smoothness) * (REFERENCE_MM / distance) ** POWER)


@feature(
    what=(
        "The mask's surface, over that of balls of its components' volumes. The surface is 2/3 of the "
        "area of all voxel faces, which is right on average over directions; 1 is a ball."
    ),
    range="about 0.8 (single voxels) upwards",
    good="low",
    blind_to=(
        "Where the lesion is. Truly ragged disease (crazy paving, reticulation) looks rough too; "
        "partial-volume masks of thick slices look smoother along z."
    ),
    source=(
        "Sphericity, IBSI reference manual (Zwanenburg et al., Radiology 2020), inverted and summed over "
        "components"
    ),
    cost="cheap",
)
def surface_roughness(scene: Scene) -> float:
    """Surface over that of balls of the components' volumes."""
    z, y, x = scene.spacing
    volumes = scene.components.voxels * (z * y * x)
    balls = np.cbrt(36 * np.pi * volumes**2).sum()
    return surface_mm2(scene.runs, scene.spacing) / float(balls)
