"""How alike consecutive slices of each component are."""

import numpy as np

from segwatch.features.boxes import box_overlap
from segwatch.features.card import Card, Feature
from segwatch.features.components import connect
from segwatch.features.masks import BinaryMask
from segwatch.features.profiles import Options
from segwatch.features.reasons import COMPONENT_WITHOUT_PAIR, EMPTY_MASK, NO_SLICE_PAIR, NoValue
from segwatch.features.scene import Scene
from segwatch.features.slices import SliceOverlap, slice_overlap

CARD = Card(
    name="segmentation_smoothness",
    what=(
        "For each component the mean Dice of its consecutive axial slices; pairs that are identical, or "
        "both empty, are left out, an empty slice beside a filled one counts 0; then the unweighted mean "
        "over the components that have a pair. `axis` and `min_voxels` choose other slices and only the "
        "larger components."
    ),
    unit="1",
    range="0 to below 1",
    good="high",
    blind_to=(
        "A mask that is wrong in the same way on every slice. It rises as slices come closer together, "
        "whatever the mask (see slice_change_at_5mm), and small components weigh as much as large ones."
    ),
    source="González et al., section 2.2, segmentation smoothness",
    cost="core",
)


def value(scene: Scene) -> float:
    """The mean over components of their mean slice Dice, as the profile reads it."""
    options = scene.options
    if options == Options(components=options.components):
        return _defined(scene.axial_overlap)
    mask, components = scene.lesion, scene.components
    if options.axis != "z":
        along = "zyx".index(options.axis)
        mask = BinaryMask(np.ascontiguousarray(np.moveaxis(mask.array, along, 0)))
        components = connect(mask.runs, options.components)
    if options.profile == "authors-code":
        smoothness = box_overlap(mask.array, mask.runs, components, options.min_voxels)
        if smoothness is None:
            raise NoValue(COMPONENT_WITHOUT_PAIR)
        return smoothness
    least = options.min_voxels + 1 if components.voxels.max() > options.min_voxels else 1
    return _defined(slice_overlap(mask.runs, components, least))


def _defined(overlap: SliceOverlap) -> float:
    if overlap.mean is None:
        raise NoValue(NO_SLICE_PAIR)
    return overlap.mean


FEATURE = Feature(CARD, value, of_empty=EMPTY_MASK)
