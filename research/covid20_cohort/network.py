"""A small 2D U-Net of half a million parameters: enough to be right often and wrong in many ways."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (16, 32, 64, 128)
STRIDE = 2 ** (len(WIDTHS) - 1)
"""A plane's height and width must be multiples of this."""


class UNet(nn.Module):
    """From levels (n, 1, y, x) between 0 and 1 to the logits of lesion, same shape."""

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        into = (1, *widths[:-1])
        self.down = nn.ModuleList([_block(i, o) for i, o in zip(into, widths, strict=True)])
        self.up = nn.ModuleList([_block(low + high, low) for low, high in pairwise(widths)])
        self.out = nn.Conv2d(widths[0], 1, 1)

    def forward(self, levels: Tensor) -> Tensor:
        """The logits."""
        x = levels * 2 - 1
        kept: list[Tensor] = []
        for depth, block in enumerate(self.down):
            x = block(functional.max_pool2d(x, 2) if depth else x)
            kept.append(x)
        for depth in reversed(range(len(self.up))):
            x = self.up[depth](torch.cat([kept[depth], functional.interpolate(x, scale_factor=2)], 1))
        logits: Tensor = self.out(x)
        return logits


def _block(into: int, out: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for first in (into, out):
        layers += [nn.Conv2d(first, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
    return nn.Sequential(*layers)
