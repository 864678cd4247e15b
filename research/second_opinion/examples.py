"""Crops that the network is trained on, turned, stretched and disturbed."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from research.second_opinion.views import LabelledView

SIDE = 80
"""Voxels of the grid: 200 mm, nearly a whole lung."""
_LESION_FIRST = 0.5
"""How often a slab without lesion is drawn again among those with some."""
_RANKS, _DISTANCES = slice(0, 3), slice(3, 6)


def batch(patients: Sequence[Sequence[LabelledView]], size: int, draw: Generator) -> tuple[Tensor, Tensor]:
    """Stacks (n, 7, y, x) and lesion (n, 1, y, x). Patients weigh alike, however many views they have."""
    pairs = [_example(patients[int(draw.integers(len(patients)))], draw) for _ in range(size)]
    stacks, lesion = (torch.stack(part) for part in zip(*pairs, strict=True))
    return stacks.to(memory_format=torch.channels_last), lesion


def _example(views: Sequence[LabelledView], draw: Generator) -> tuple[Tensor, Tensor]:
    one = views[int(draw.integers(len(views)))]
    place = int(draw.integers(len(one.truth)))
    filled = np.flatnonzero(one.truth.any(axis=(1, 2)))
    if len(filled) and place not in filled and draw.random() < _LESION_FIRST:
        place = int(draw.choice(filled))
    stack, lesion = _moved(_stack(one, place), one.truth[place].astype(np.float32), draw)
    return _disturbed(stack, draw), (lesion > 0.5).float()


def _stack(one: LabelledView, place: int) -> NDArray[np.float32]:
    view, last = one.view, len(one.truth) - 1
    near = [max(0, place - 1), place, min(last, place + 1)]
    return np.concatenate(
        [view.rank[near], view.distance[near], view.lung[place : place + 1].astype(np.float32)]
    )


def _moved(stack: NDArray[np.float32], lesion: NDArray[np.float32], draw: Generator) -> tuple[Tensor, Tensor]:
    """A crop under a random turn, size, shift, and mirror."""
    height, width = lesion.shape
    angle, size = draw.uniform(-0.35, 0.35), np.exp(draw.uniform(-0.25, 0.25))
    left, up = (-1 if draw.random() < share else 1 for share in (0.5, 0.15))
    turn = np.array(
        [
            [np.cos(angle) * size * left, -np.sin(angle) * size * up, draw.uniform(-0.3, 0.3)],
            [np.sin(angle) * size * left, np.cos(angle) * size * up, draw.uniform(-0.3, 0.3)],
        ]
    )
    turn *= np.array([[SIDE / width, SIDE / width, 1], [SIDE / height, SIDE / height, 1]])
    theta = torch.from_numpy(turn.astype(np.float32))[None]
    grid = functional.affine_grid(theta, [1, 1, SIDE, SIDE], align_corners=False)
    both = torch.from_numpy(np.concatenate([stack, lesion[None]]))[None]
    moved = functional.grid_sample(both, grid, align_corners=False)[0]
    return moved[:-1], moved[-1:]


def _disturbed(stack: Tensor, draw: Generator) -> Tensor:
    """Other curves of rank and distance, noise, and now and then one of the two taken away."""
    stack[_RANKS] = stack[_RANKS].clamp(0, 1) ** float(np.exp(draw.uniform(-0.45, 0.45)))
    stack[_DISTANCES] = stack[_DISTANCES] * float(np.exp(draw.uniform(-0.3, 0.3))) + float(
        draw.uniform(-0.25, 0.25)
    )
    missing = draw.random()
    if missing < 0.08:
        stack[_DISTANCES] = 0
    elif missing < 0.13:
        stack[_RANKS] = 0.5
    if draw.random() < 0.2:
        stack[:6] = functional.avg_pool2d(stack[None, :6], 3, 1, 1)[0]
    stack[:6] += torch.from_numpy(draw.standard_normal((6, SIDE, SIDE), np.float32)) * float(
        draw.uniform(0, 0.08)
    )
    return stack
