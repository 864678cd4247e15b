"""A cohort's masks against the opinions of networks that never saw the patient, and worse and better ones.

Worse and better opinions are the network's masks with a share of small boxes replaced, by what it says 20 mm
beside or by the truth: no networks, but what one would say that errs in more or in fewer places.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from research.covid20_cohort.make_rows import made_mask
from research.covid20_cohort.plan import Planned
from research.covid20_cohort.setup import Context
from research.second_opinion.folds import Making, network
from segwatch.contracts.base import ModelIdentity
from segwatch.files import Arrays, Finished, finished_arrays
from segwatch.segmentation.opinion_grid import LungView, lung_view, opinion_grid
from segwatch.segmentation.opinion_network import OpinionNetwork, lesion_probability
from segwatch.segmentation.second_opinion import agreement
from segwatch.volumes.image import Mask

SHARES = (0.25, 0.5, 0.75)
"""Of boxes that are replaced."""
NETWORK = "the network"
_BOX = (5, 8, 8)
"""Voxels of the opinion's grid: 20 mm a side."""
_NOBODY = ModelIdentity(name="research", sha256="0" * 64)

Said = list[float | None]
"""Dice, precision and recall of a mask against an opinion, and the opinion's own Dice with the truth."""


def opinion_names() -> tuple[str, ...]:
    """From the worst on."""
    worse = (f"{share:.0%} misplaced" for share in reversed(SHARES))
    return (*worse, NETWORK, *(f"{share:.0%} truth" for share in SHARES))


def masks_on_grid(making: Making) -> Finished[Arrays]:
    """Each planned mask and its scan as the opinion sees them."""
    return finished_arrays(making.folder / "masks")


def mask_on_grid(cohort: Context, one: Planned) -> Arrays:
    """A planned mask, its truth, and what the network reads of its scan; nothing where no lung is found."""
    made = made_mask(cohort, one)
    if made.own is None or not made.own.any():
        return {}
    grid = opinion_grid(made.own, made.scan.spacing)
    view = lung_view(made.hu, made.own, grid)
    if view is None:
        return {}
    rows, columns = grid.box
    return {
        "rank": view.rank.astype(np.float16),
        "distance": view.distance.astype(np.float16),
        "lung": view.lung,
        "mask": grid.majority(made.mask),
        "truth": grid.majority(made.scan.truth),
        "box": np.array([rows.start, rows.stop, columns.start, columns.stop]),
    }


def said_of(making: Making, one: Planned, seen: Arrays) -> dict[str, Said | None]:
    """What every opinion says of a mask, by the opinion's name."""
    names = opinion_names()
    if not seen:
        return dict.fromkeys(names)
    view = LungView(seen["rank"].astype(np.float32), seen["distance"].astype(np.float32), seen["lung"])
    first, last, left, right = (int(each) for each in seen["box"])
    mask, truth = seen["mask"], seen["truth"]
    found = np.zeros(truth.shape, np.bool_)
    probability = lesion_probability(_asked(making, making.fold[one.patient]), view.stacks())
    found[:, first:last, left:right] = probability > 0.5
    beside = np.roll(found, _BOX[2], axis=2)
    draw = np.random.default_rng(one.seed).random(
        [-(-size // side) for size, side in zip(truth.shape, _BOX, strict=True)]
    )
    worse = [_replaced(found, beside, draw < share) for share in reversed(SHARES)]
    better = [_replaced(found, truth, draw < share) for share in SHARES]
    opinions = zip(names, (*worse, found, *better), strict=True)
    return {name: _said(mask, opinion, truth) for name, opinion in opinions}


def _said(mask: Mask, opinion: Mask, truth: Mask) -> Said:
    found = agreement(mask, opinion, _NOBODY)
    return [found.dice, found.precision, found.recall, agreement(truth, opinion, _NOBODY).dice]


def _replaced(opinion: Mask, by: Mask, boxes: Mask) -> Mask:
    """The opinion, but in the chosen boxes the other mask."""
    for axis, side in enumerate(_BOX):
        boxes = np.repeat(boxes, side, axis=axis)
    z, y, x = opinion.shape
    return np.where(boxes[:z, :y, :x], by, opinion)


def thinned(plan: Sequence[Planned], every: int) -> list[Planned]:
    """One planned mask in so many, those of one scan together. Give a number that shares no factor with the
    number of treatments, which take turns in the plan.
    """
    return sorted(plan[::every], key=lambda one: one.source)


@lru_cache(maxsize=8)
def _asked(making: Making, fold: int) -> OpinionNetwork:
    return network(making, fold, making.recipe.stages[-1])
