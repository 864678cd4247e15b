"""Training one network: the mean of its weights over the last steps is what comes out."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from research.covid20_cohort.training import Precision, computing_in
from research.second_opinion.examples import batch
from research.second_opinion.views import LabelledView
from segwatch.segmentation.opinion_network import OpinionNetwork

_BATCH = 8
_RATE = 3e-3
_DECAY = 2e-3
_SMOOTHEST = 0.995
"""Of the running mean of the weights."""


def trained(
    patients: Sequence[Sequence[LabelledView]],
    *,
    stages: Sequence[int],
    seed: int,
    precision: Precision,
    stepped: Callable[[float], None],
) -> dict[int, OpinionNetwork]:
    """The network after each of the stages (numbers of steps, rising).

    Args:
        patients: each one's views; patients weigh alike.
        stages: the last is how many steps are made.
        seed: of the weights and of what is drawn.
        precision: in which it computes.
        stepped: told the loss after each step.
    """
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    network = OpinionNetwork().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, _RATE, total_steps=stages[-1], pct_start=max(0.15, 1.5 / stages[-1])
    )
    mean = {name: value.clone() for name, value in network.state_dict().items()}
    found: dict[int, OpinionNetwork] = {}
    network.train()
    for step in range(1, stages[-1] + 1):
        stacks, lesion = batch(patients, _BATCH, draw)
        with computing_in(precision):
            logits = network(stacks)
        loss = _loss(logits.float(), lesion)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        _follow(mean, network, min(_SMOOTHEST, step / (step + 9)))
        if step in stages:
            found[step] = _copy(mean)
        stepped(float(loss.detach()))
    return found


def _loss(logits: Tensor, lesion: Tensor) -> Tensor:
    """Cross-entropy, and the soft Dice over the batch: crops without lesion then weigh as they should."""
    probability = torch.sigmoid(logits)
    dice = (2 * (probability * lesion).sum() + 1) / (probability.sum() + lesion.sum() + 1)
    return functional.binary_cross_entropy_with_logits(logits, lesion) + 1 - dice


@torch.no_grad()
def _follow(mean: dict[str, Tensor], network: nn.Module, share: float) -> None:
    for name, value in network.state_dict().items():
        if value.dtype.is_floating_point:
            mean[name].mul_(share).add_(value, alpha=1 - share)
        else:
            mean[name].copy_(value)


def _copy(state: dict[str, Tensor]) -> OpinionNetwork:
    network = OpinionNetwork()
    network.load_state_dict(state)
    network.eval()
    return network
