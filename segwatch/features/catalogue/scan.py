"""What a measure owes to the scan and not to the mask."""

from segwatch.features.card import feature
from segwatch.features.scene import Scene


@feature(
    what=(
        "The distance of neighbouring slices of the grid, in mm: after resampling to 50 slices the scan's "
        "extent over 50."
    ),
    unit="mm",
    range="above 0",
    good="neither",
    blind_to=(
        "Everything about the mask. It tells a scorer how to read what depends on the slices' distance."
    ),
    source="González et al., section 2.2: what smoothness depends on beside the mask",
    cost="cheap",
)
def slice_distance_mm(scene: Scene) -> float:
    """The spacing along z."""
    return scene.spacing[0]


@feature(
    what=(
        "1.4826 times the median absolute deviation of block means of HU in the lung outside the lesion "
        "mask, on a grid of about 2.5 mm."
    ),
    unit="HU",
    range="from 0",
    good="low",
    blind_to="Whether it is noise, vessels, or missed lesions that vary.",
    source="Robust scale: Hampel, JASA 1974; what is left of noise after averaging over a block",
    cost="lung",
)
def lung_hu_spread(scene: Scene) -> float:
    """Spread outside the lesion."""
    return scene.tissue.healthy[1]
