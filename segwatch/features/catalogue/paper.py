"""The paper's four features."""

import numpy as np

from segwatch.features.card import feature
from segwatch.features.kernels.boxes import box_overlap
from segwatch.features.kernels.components import connect
from segwatch.features.kernels.masks import BinaryMask
from segwatch.features.kernels.sampling import mean_of_component
from segwatch.features.kernels.slices import SliceOverlap, slice_overlap
from segwatch.features.profiles import FeatureOptions
from segwatch.features.reasons import NoValue, Reason
from segwatch.features.scene import Scene


@feature(
    what=(
        "The number of connected components of the lesion mask. Rule `26`: voxels that share a corner "
        "connect. Rule `l1`: voxels within city-block distance 3 connect."
    ),
    range="whole numbers from 0",
    good="low",
    blind_to=(
        "Where the components are and how large. It grows with real multifocal disease as with a model "
        "that breaks up, and with resolution."
    ),
    source="González et al., section 2.2, connected components",
    cost="core",
    of_empty=0.0,
)
def connected_components(scene: Scene) -> float:
    """How many components the lesion has."""
    return float(scene.components.count)


@feature(
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
def intensity_mode(scene: Scene) -> float:
    """The largest component's mean HU."""
    return mean_of_component(scene.hu, scene.runs, scene.components, scene.components.largest)


@feature(
    what=(
        "For each component the mean Dice of its consecutive axial slices; pairs that are identical, or "
        "both empty, are left out, an empty slice beside a filled one counts 0; then the unweighted mean "
        "over the components that have a pair. `axis` and `min_voxels` choose other slices and only the "
        "larger components."
    ),
    range="0 to below 1",
    good="high",
    blind_to=(
        "A mask that is wrong in the same way on every slice. It rises as slices come closer together, "
        "whatever the mask (see slice_change_at_5mm), and small components weigh as much as large ones."
    ),
    source="González et al., section 2.2, segmentation smoothness",
    cost="core",
)
def segmentation_smoothness(scene: Scene) -> float:
    """The mean over components of their mean slice Dice, as the profile reads it."""
    options = scene.options
    if options == FeatureOptions(components=options.components):
        return _defined(scene.axial_overlap)
    mask, components = scene.lesion, scene.components
    if options.axis != "z":
        along = "zyx".index(options.axis)
        mask = BinaryMask(np.ascontiguousarray(np.moveaxis(mask.array, along, 0)))
        components = connect(mask.runs, options.components)
    if options.profile == "authors-code":
        smoothness = box_overlap(mask.array, mask.runs, components, options.min_voxels)
        if smoothness is None:
            raise NoValue(Reason.COMPONENT_WITHOUT_PAIR)
        return smoothness
    least = options.min_voxels + 1 if components.voxels.max() > options.min_voxels else 1
    return _defined(slice_overlap(mask.runs, components, least))


def _defined(overlap: SliceOverlap) -> float:
    if overlap.mean is None:
        raise NoValue(Reason.NO_SLICE_PAIR)
    return overlap.mean


@feature(
    what="The share of lesion voxels that lie inside the lung mask (any label above 0).",
    range="0 to 1; 0 where no lesion voxel is inside, no value where there is no lung",
    good="high",
    blind_to=(
        "Everything inside the lung. It is only as good as the lung mask: one that leaves out "
        "consolidations makes a good lesion mask look bad."
    ),
    source="González et al., section 2.2, lesions within lungs",
    cost="core",
)
def lesions_within_lungs(scene: Scene) -> float:
    """Lesion voxels in the lung, over all."""
    return scene.inside_lung / scene.runs.voxels
