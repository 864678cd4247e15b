"""The second opinion's network: a small 2.5D U-Net, and its weights as arrays."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = 7
WIDTHS = (16, 32, 64, 96)
STRIDE = 2 ** (len(WIDTHS) - 1)
"""A plane's height and width must be multiples of this."""
_BATCH = 8
"""Slabs at a time: more is no faster on a processor."""
Weights = Mapping[str, NDArray[Any]]


class OpinionNetwork(nn.Module):
    """From `LungView.stacks` (n, 7, y, x) to the logits of lesion in the middle slab (n, 1, y, x)."""

    def __init__(self, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        into = (CHANNELS, *widths[:-1])
        self.down = nn.ModuleList([_block(i, o) for i, o in zip(into, widths, strict=True)])
        self.up = nn.ModuleList([_block(low + high, low) for low, high in pairwise(widths)])
        self.out = nn.Conv2d(widths[0], 1, 1)

    def forward(self, stacks: Tensor) -> Tensor:
        """The logits."""
        passed: list[Tensor] = []
        x = stacks
        for depth, block in enumerate(self.down):
            x = block(functional.max_pool2d(x, 2) if depth else x)
            passed.append(x)
        for depth in reversed(range(len(self.up))):
            x = self.up[depth](torch.cat([passed[depth], functional.interpolate(x, scale_factor=2)], 1))
        logits: Tensor = self.out(x)
        return logits


def weights_of(network: OpinionNetwork) -> dict[str, NDArray[Any]]:
    """The network's weights by name, in half precision: what a bundle holds."""
    return {
        name: value.half().numpy() if value.dtype.is_floating_point else value.numpy()
        for name, value in network.state_dict().items()
    }


def network_of(weights: Weights) -> OpinionNetwork:
    """The network with these weights, ready to be asked.

    Raises:
        RuntimeError: they are not its weights.
    """
    network = OpinionNetwork().to(memory_format=torch.channels_last)
    state = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in weights.items()}
    network.load_state_dict(
        {name: value.float() if value.dtype.is_floating_point else value for name, value in state.items()}
    )
    network.eval()
    return network


def lesion_probability(network: OpinionNetwork, stacks: NDArray[np.float32]) -> NDArray[np.float32]:
    """The probability of lesion (n, y, x) in the middle slabs of stacks (n, 7, y, x)."""
    n, _, height, width = stacks.shape
    padded = np.pad(stacks, ((0, 0), (0, 0), (0, -height % STRIDE), (0, -width % STRIDE)))
    found = np.zeros((n, height, width), np.float32)
    with torch.inference_mode():
        for first in range(0, n, _BATCH):
            part = torch.from_numpy(padded[first : first + _BATCH]).to(memory_format=torch.channels_last)
            probability = torch.sigmoid(network(part))
            found[first : first + _BATCH] = probability[:, 0, :height, :width].numpy()
    return found


def _block(into: int, out: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for first in (into, out):
        layers += [nn.Conv2d(first, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
    return nn.Sequential(*layers)
