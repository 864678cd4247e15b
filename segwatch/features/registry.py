"""The catalogue: every feature, in the order in which messages, tables and docs list them.

Adding a feature is one function with its card in a theme of `segwatch.features.catalogue`, and one line here.
"""

from collections.abc import Sequence
from types import MappingProxyType

from segwatch.errors import BadInput
from segwatch.features.card import Feature
from segwatch.features.catalogue import dense_lung, given, intensity, location, paper, scan, shape

FEATURES = (
    paper.connected_components,
    paper.intensity_mode,
    paper.segmentation_smoothness,
    paper.lesions_within_lungs,
    shape.lesion_volume_ml,
    location.lesion_share_of_lung,
    shape.largest_component_share,
    shape.tiny_components,
    shape.tiny_components_share,
    shape.filled_slices_share,
    shape.slice_change_at_5mm,
    shape.surface_roughness,
    intensity.lesion_hu_spread,
    intensity.impossible_hu_share,
    intensity.edge_gradient_hu_per_mm,
    location.lesion_left_share,
    location.lesion_upper_share,
    scan.slice_distance_mm,
    intensity.rim_contrast_hu,
    location.lung_border_distance_mm,
    location.outside_lung_5mm_share,
    dense_lung.dense_lung_dice,
    dense_lung.dense_lung_missed_share,
    dense_lung.lesion_not_dense_share,
    intensity.lesion_z_in_lung,
    scan.lung_hu_spread,
    dense_lung.rim_dense_share,
    given.mean_foreground_probability,
    given.probability_entropy,
    given.fold_agreement,
    given.soft_dice_confidence,
    given.soft_recall,
    given.threshold_agreement,
    given.second_opinion_dice,
    given.second_opinion_precision,
    given.second_opinion_recall,
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
        BadInput: there is none; the message names those that are.
    """
    if name not in CATALOGUE:
        raise BadInput(f"no feature is called {name!r}; there are {', '.join(CATALOGUE)}")
    return CATALOGUE[name]


def chosen(names: str) -> tuple[str, ...]:
    """The features that a set's name, or names with commas between, stand for.

    Raises:
        BadInput: a name that is neither.
    """
    if names in SETS:
        return SETS[names]
    return tuple(feature(name.strip()).card.name for name in names.split(","))
