"""The docs page of the catalogue, made from the cards: `segwatch features page`."""

from itertools import groupby

from segwatch.features.card import Card
from segwatch.features.reasons import Reason
from segwatch.features.registry import FEATURES

HEAD = """# The features

Made from the cards by `segwatch features page`; a test fails when the two differ. Speed and its figures:
[benchmarks/features.md](../benchmarks/features.md). `segwatch measure` needs the extra `features`, with
`--cohort` or `--figure` the extra `evaluation`.

A mask is measured without ground truth. Nothing here is a diagnosis, and no value alone says that a mask is
good: a scorer is trained on them, and each card says what its feature cannot see.

## How they are measured
CT and masks are resampled to (50, 512, 512) over the same extent (`segwatch.volumes.grid`): trilinear and
rounded half up for the CT, nearest for masks. `--native` leaves that out. What has no unit does not depend on
spacing; what is in ml is measured on the mask before resampling. The profile `paper` is the paper's text;
`authors-code` is the published code where that is well defined: sagittal slices, components over 1000 voxels
(all, where none is), bounding boxes that let neighbours in, no axis enlarged. It keeps our word for what is
undefined: the code's 1.0 for an empty mask is null here. The code draws 5000 voxels at random for the
intensity; its mean is what is given.

The smoothness of a mask rises as slices come closer together, whatever its quality: 1 − Dice of neighbouring
slices grows as their distance to the power of about 2/3. After resampling that distance is the scan's extent
over 50, so a long scan looks rougher than a short one. `slice_change_at_5mm` takes the distance out.

## Where there is no value
A feature without value is null and has a reason; it is never 0 or 1 in its place. The status is `empty` (the
mask holds nothing), `partly_undefined` (one of the paper's four has no value), else `measured`.

| code | meaning |
|---|---|
"""
COSTS = {
    "core": "The paper's four: one pass over the mask's runs",
    "cheap": "Without a distance map",
    "distance": "With a distance map, on a grid of about 2.5 mm",
    "lung": "With the CT over the whole lung, on a grid of about 2.5 mm",
    "given": "Sent by segmentation beside the mask",
}


def catalogue_page() -> str:
    """The page as Markdown."""
    reasons = "".join(f"| `{reason.code}` | {reason.value} |\n" for reason in Reason)
    cards = "".join(
        f"\n## {COSTS[cost]}\n" + "".join(_section(each.card) for each in group)
        for cost, group in groupby(FEATURES, key=lambda each: each.card.cost)
    )
    return HEAD + reasons + cards


def _section(card: Card) -> str:
    return (
        f"\n### {card.name}\n{card.what}\n\n"
        f"- unit {card.unit}; range {card.range}; good: {card.good}\n"
        f"- blind to: {card.blind_to}\n"
        f"- source: {card.source}\n"
    )
