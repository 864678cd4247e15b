"""Training the U-Nets in folds by patient, with a copy of the weights at several stages.

One thread and channels_last; bfloat16 where the processor computes it, which is several times faster there
than float32, and several times slower anywhere else.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from research.covid20_cohort.covid20 import Levels
from research.covid20_cohort.network import STRIDE, UNet
from segwatch.volumes.image import Mask

State = dict[str, Tensor]
Precision = Literal["bfloat16", "float32"]
MARGIN = 12
"""Voxels around the lung's box that a network sees."""
_BATCH = 8
_RATE = 3e-3
_TIMED_STEPS = 3


@dataclass(frozen=True)
class NetworkRecipe:
    """How a network is made.

    Attributes:
        name: of the segmenter, as the cohort's table says it.
        reduced: voxels in plane that become one before the network sees them.
        crop: side of the squares it is trained on, in reduced voxels; 0 takes whole planes.
        augmented: whether contrast and noise are varied in training.
        stages: after how many steps of training a copy is kept, rising.
        seed: of the weights and of whatever training draws.
        precision: in which it is trained and asked. Its weights, and so its masks, depend on it.
    """

    name: str
    reduced: int
    crop: int
    augmented: bool
    stages: tuple[int, ...]
    seed: int = 0
    precision: Precision = "bfloat16"


@dataclass(frozen=True)
class Planes:
    """A scan's planes (n, y, x) at the network's resolution: levels, and share of lesion."""

    levels: NDArray[np.float32]
    lesion: NDArray[np.float32]


def planes_of(levels: Levels, truth: Mask, lung: Mask | None, reduced: int) -> Planes:
    """A scan's planes in the lung's box, at reduced resolution."""
    box = lung_box(lung, levels.shape)
    return Planes(shrunk(levels[box], reduced), shrunk(truth[box].astype(np.float32), reduced))


def lung_box(lung: Mask | None, shape: tuple[int, ...]) -> tuple[slice, slice, slice]:
    """All slices, and in plane the box around the lung with a margin; whole planes where there is no lung."""
    whole = slice(0, shape[0])
    if lung is None or not lung.any():
        return whole, slice(0, shape[1]), slice(0, shape[2])
    sides = []
    for axis in (1, 2):
        places = np.flatnonzero(lung.any(axis=(0, 3 - axis)))
        sides.append(slice(max(0, int(places[0]) - MARGIN), int(places[-1]) + MARGIN + 1))
    return whole, sides[0], sides[1]


def shrunk(array: Levels, reduced: int) -> Levels:
    """Means over squares of `reduced` voxels in plane; edges are repeated up to the stride's multiple."""
    multiple = reduced * STRIDE
    edges = [(0, 0), *((0, -size % multiple) for size in array.shape[1:])]
    padded = np.pad(array, edges, mode="edge")
    n, y, x = padded.shape
    blocks = padded.reshape(n, y // reduced, reduced, x // reduced, reduced)
    return np.asarray(blocks.mean(axis=(2, 4)), np.float32)


def folds_of(patients: Sequence[str], count: int, seed: int) -> Mapping[str, int]:
    """The fold of each patient: every patient in one, folds of nearly the same size."""
    names = sorted(set(patients))
    order = np.random.default_rng(seed).permutation(len(names))
    return {names[place]: turn % count for turn, place in enumerate(order)}


def fast_precision() -> Precision:
    """bfloat16 where this processor has a unit for it, float32 elsewhere."""
    units = (there for name, there in torch.cpu.get_capabilities().items() if name.endswith("bf16"))
    return "bfloat16" if any(units) else "float32"


def computing_in(precision: Precision) -> torch.autocast:
    """Within it a network computes in that precision."""
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16")


def seconds_a_step(recipe: NetworkRecipe, scans: Sequence[Planes]) -> float:
    """What a step of training takes here, by a few on these scans; the first sets up and is not counted."""
    times: list[float] = []
    short = replace(recipe, stages=(_TIMED_STEPS + 1,))
    train(short, [scans], lambda: times.append(time.perf_counter()))
    return (times[-1] - times[0]) / _TIMED_STEPS


def train(
    recipe: NetworkRecipe, patients: Sequence[Sequence[Planes]], stepped: Callable[[], None]
) -> dict[int, State]:
    """The weights after each stage. Patients weigh alike, however many scans they have.

    Args:
        recipe: how.
        patients: each one's scans.
        stepped: called after each step.
    """
    torch.manual_seed(recipe.seed)
    draw = np.random.default_rng(recipe.seed)
    network = UNet().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=1e-3)
    last = recipe.stages[-1]
    rising = max(0.1, 1.5 / last)  # it must rise for more than a step
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=last, pct_start=rising)
    copies: dict[int, State] = {}
    network.train()
    for step in range(1, last + 1):
        levels, lesion = _batch(recipe, patients, draw)
        with computing_in(recipe.precision):
            logits = network(levels)
        loss = _loss(logits.float(), lesion)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step in recipe.stages:
            copies[step] = {name: value.clone() for name, value in network.state_dict().items()}
        stepped()
    return copies


def _batch(
    recipe: NetworkRecipe, patients: Sequence[Sequence[Planes]], draw: Generator
) -> tuple[Tensor, Tensor]:
    pairs = [_example(recipe, patients[int(draw.integers(len(patients)))], draw) for _ in range(_BATCH)]
    height, width = (max(p[0].shape[axis] for p in pairs) for axis in (0, 1))
    levels, lesion = (np.zeros((_BATCH, 1, height, width), np.float32) for _ in range(2))
    for place, (one, other) in enumerate(pairs):
        levels[place, 0, : one.shape[0], : one.shape[1]] = one
        lesion[place, 0, : other.shape[0], : other.shape[1]] = other
    return torch.from_numpy(levels).to(memory_format=torch.channels_last), torch.from_numpy(lesion)


def _example(recipe: NetworkRecipe, scans: Sequence[Planes], draw: Generator) -> tuple[Levels, Levels]:
    planes = scans[int(draw.integers(len(scans)))]
    place = int(draw.integers(len(planes.levels)))
    levels, lesion = planes.levels[place], planes.lesion[place]
    if recipe.crop:
        y, x = (int(draw.integers(max(1, size - recipe.crop + 1))) for size in levels.shape)
        square = (slice(y, y + recipe.crop), slice(x, x + recipe.crop))
        levels, lesion = levels[square], lesion[square]
    if draw.random() < 0.5:
        levels, lesion = levels[:, ::-1], lesion[:, ::-1]
    if recipe.augmented:
        levels = np.clip(levels, 0, 1) ** np.float32(np.exp(draw.uniform(-0.4, 0.4)))
        levels = levels * np.float32(draw.uniform(0.85, 1.15)) + np.float32(draw.uniform(-0.08, 0.08))
        grain = np.float32(draw.uniform(0, 0.05)) * draw.standard_normal(levels.shape, np.float32)
        levels = np.clip(levels + grain, 0, 1)
    return levels, lesion


def _loss(logits: Tensor, lesion: Tensor) -> Tensor:
    """Cross-entropy and soft Dice over the batch."""
    probability = torch.sigmoid(logits)
    overlap = 2 * (probability * lesion).sum() / (probability.sum() + lesion.sum() + 1)
    return functional.binary_cross_entropy_with_logits(logits, lesion) + 1 - overlap
