"""The catalogue: every feature, in the order in which messages, tables and docs list them.

Adding a feature is one new module in `segwatch.features.catalogue` and one line here.
"""

from collections.abc import Sequence
from types import MappingProxyType

from segwatch.errors import BadSettings
from segwatch.features.card import Feature
from segwatch.features.catalogue import (
    connected_components,
    dense_lung_dice,
    dense_lung_missed_share,
    edge_gradient_hu_per_mm,
    filled_slices_share,
    fold_agreement,
    impossible_hu_share,
    intensity_mode,
    largest_component_share,
    lesion_hu_spread,
    lesion_left_share,
    lesion_not_dense_share,
    lesion_share_of_lung,
    lesion_upper_share,
    lesion_volume_ml,
    lesion_z_in_lung,
    lesions_within_lungs,
    lung_border_distance_mm,
    lung_hu_spread,
    mean_foreground_probability,
    outside_lung_5mm_share,
    probability_entropy,
    rim_contrast_hu,
    rim_dense_share,
    segmentation_smoothness,
    slice_change_at_5mm,
    slice_distance_mm,
    surface_roughness,
    tiny_components,
    tiny_components_share,
)

FEATURES = (
    connected_components.FEATURE,
    intensity_mode.FEATURE,
    segmentation_smoothness.FEATURE,
    lesions_within_lungs.FEATURE,
    lesion_volume_ml.FEATURE,
    lesion_share_of_lung.FEATURE,
    largest_component_share.FEATURE,
    tiny_components.FEATURE,
    tiny_components_share.FEATURE,
    filled_slices_share.FEATURE,
    slice_change_at_5mm.FEATURE,
    surface_roughness.FEATURE,
    lesion_hu_spread.FEATURE,
    impossible_hu_share.FEATURE,
    edge_gradient_hu_per_mm.FEATURE,
    lesion_left_share.FEATURE,
    lesion_upper_share.FEATURE,
    slice_distance_mm.FEATURE,
    rim_contrast_hu.FEATURE,
    lung_border_distance_mm.FEATURE,
    outside_lung_5mm_share.FEATURE,
    dense_lung_dice.FEATURE,
    dense_lung_missed_share.FEATURE,
    lesion_not_dense_share.FEATURE,
    lesion_z_in_lung.FEATURE,
    lung_hu_spread.FEATURE,
    rim_dense_share.FEATURE,
    mean_foreground_probability.FEATURE,
    probability_entropy.FEATURE,
    fold_agreement.FEATURE,
)
CATALOGUE = MappingProxyType({feature.card.name: feature for feature in FEATURES})

PAPER4 = tuple(feature.card.name for feature in FEATURES if feature.card.cost == "core")
"""The paper's four, in the order that scorers take them in."""
CHEAP = tuple(feature.card.name for feature in FEATURES if feature.card.cost in ("core", "cheap"))
"""Those that need no distance map, and the CT at the lesion only."""
MEASURED = tuple(feature.card.name for feature in FEATURES if feature.card.cost != "given")
"""All that is measured on the arrays."""
ALL = tuple(CATALOGUE)
"""With what segmentation sends beside the mask."""
SETS = MappingProxyType({"paper4": PAPER4, "cheap": CHEAP, "measured": MEASURED, "all": ALL})


VERSION = 2
"""Goes up when what is measured changes and no feature's own version says so."""


def versions_of(names: Sequence[str]) -> list[object]:
    """What measures depend on beside the images and the options: part of what a result is known by."""
    return [VERSION, *([name, feature(name).version] for name in names)]


def feature(name: str) -> Feature:
    """The feature of that name.

    Raises:
        BadSettings: there is none; the message names those that are.
    """
    if name not in CATALOGUE:
        raise BadSettings(f"no feature is called {name!r}; there are {', '.join(CATALOGUE)}")
    return CATALOGUE[name]


def chosen(names: str) -> tuple[str, ...]:
    """The features that a set's name, or names with commas between, stand for.

    Raises:
        BadSettings: a name that is neither.
    """
    if names in SETS:
        return SETS[names]
    return tuple(feature(name.strip()).card.name for name in names.split(","))
