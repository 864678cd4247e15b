"""A cohort's masks against the opinions of networks that never saw the patient, and worse and better ones.

Worse opinions are the network's early copies. Better ones are its masks with a share of small boxes replaced
by the truth: no network, but what one would say that errs in fewer places.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.random import Generator

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

HELPED = (0.25, 0.5, 0.75)
"""The shares of boxes in which a better opinion is the truth."""
_BOX = (5, 8, 8)
"""Voxels of the opinion's grid: 20 mm a side."""
_NOBODY = ModelIdentity(name="research", sha256="0" * 64)

Said = list[float | None]
"""Dice, precision and recall of a mask against an opinion, and the opinion's own Dice with the truth."""


def opinion_names(making: Making) -> tuple[str, ...]:
    """From the worst on."""
    copies = (f"after {stage} steps" for stage in making.recipe.stages)
    return (*copies, *(f"{share:.0%} truth" for share in HELPED))


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
    names, stages = opinion_names(making), making.recipe.stages
    if not seen:
        return dict.fromkeys(names)
    view = LungView(seen["rank"].astype(np.float32), seen["distance"].astype(np.float32), seen["lung"])
    stacks, fold = view.stacks(), making.fold[one.patient]
    first, last, left, right = (int(each) for each in seen["box"])
    opinions: dict[str, Mask] = {}
    for name, stage in zip(names, stages, strict=False):
        found = np.zeros(seen["truth"].shape, np.bool_)
        found[:, first:last, left:right] = lesion_probability(_asked(making, fold, stage), stacks) > 0.5
        opinions[name] = found
    best = opinions[names[len(stages) - 1]]
    for name, share in zip(names[len(stages) :], HELPED, strict=True):
        opinions[name] = _helped(best, seen["truth"], share, np.random.default_rng(one.seed))
    return {name: _said(seen["mask"], opinion, seen["truth"]) for name, opinion in opinions.items()}


def _said(mask: Mask, opinion: Mask, truth: Mask) -> Said:
    found = agreement(mask, opinion, _NOBODY)
    return [found.dice, found.precision, found.recall, agreement(truth, opinion, _NOBODY).dice]


def _helped(opinion: Mask, truth: Mask, share: float, draw: Generator) -> Mask:
    counts = [-(-size // side) for size, side in zip(opinion.shape, _BOX, strict=True)]
    chosen = draw.random(counts) < share
    for axis, side in enumerate(_BOX):
        chosen = np.repeat(chosen, side, axis=axis)
    z, y, x = opinion.shape
    return np.where(chosen[:z, :y, :x], truth, opinion)


def thinned(plan: Sequence[Planned], every: int) -> list[Planned]:
    """One planned mask in so many, those of one scan together. Give a number that shares no factor with the
    number of treatments, which take turns in the plan.
    """
    return sorted(plan[::every], key=lambda one: one.source)


@lru_cache(maxsize=32)
def _asked(making: Making, fold: int, stage: int) -> OpinionNetwork:
    return network(making, fold, stage)
