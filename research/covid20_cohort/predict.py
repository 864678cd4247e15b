"""A lesion mask by a U-Net, and what the network itself says of it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from research.covid20_cohort.covid20 import Levels
from research.covid20_cohort.network import UNet
from research.covid20_cohort.training import Precision, State, computing_in, lung_box, shrunk
from segwatch.contracts.studies import MaskProbabilities
from segwatch.segmentation.confidence import mean_pairwise_dice, summary
from segwatch.volumes.image import Mask

_BATCH = 16


@dataclass(frozen=True)
class Foreground:
    """Probability of lesion (z, y, x) of a scan as it is, and of the scan mirrored and turned back."""

    plain: NDArray[np.float32]
    mirrored: NDArray[np.float32]

    @property
    def mean(self) -> NDArray[np.float32]:
        """What a mask is made from."""
        return np.asarray((self.plain + self.mirrored) / 2, np.float32)


class Predictor:
    """A network at one stage of its training, kept ready."""

    def __init__(self, state: State, reduced: int, precision: Precision) -> None:
        self._network = UNet().to(memory_format=torch.channels_last)
        self._network.load_state_dict(state)
        self._network.eval()
        self._reduced = reduced
        self._precision: Precision = precision

    def foreground(self, levels: Levels, lung: Mask | None) -> Foreground:
        """The probability of lesion in each voxel of a scan (z, y, x), 0 outside the lung's box."""
        box = lung_box(lung, levels.shape)
        small = shrunk(levels[box], self._reduced)
        plain = self._probability(small)
        mirrored = self._probability(small[:, :, ::-1])[:, :, ::-1]
        return Foreground(*(self._in_place(found, box, levels.shape) for found in (plain, mirrored)))

    def _probability(self, small: Levels) -> NDArray[np.float32]:
        found = []
        with torch.inference_mode(), computing_in(self._precision):
            for first in range(0, len(small), _BATCH):
                planes = np.ascontiguousarray(small[first : first + _BATCH, None])
                logits = self._network(torch.from_numpy(planes).to(memory_format=torch.channels_last))
                found.append(torch.sigmoid(logits.float())[:, 0].numpy())
        return np.concatenate(found)

    def _in_place(
        self, small: NDArray[np.float32], box: tuple[slice, ...], shape: tuple[int, ...]
    ) -> NDArray[np.float32]:
        whole = np.zeros(shape, np.float32)
        inside = whole[box]
        inside[:] = self._enlarged(small)[:, : inside.shape[1], : inside.shape[2]]
        return whole

    def _enlarged(self, small: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._reduced == 1:
            return small
        planes = torch.from_numpy(np.ascontiguousarray(small))[:, None]
        large = functional.interpolate(
            planes, scale_factor=self._reduced, mode="bilinear", align_corners=False
        )
        return np.asarray(large[:, 0].numpy())


def mask_of(foreground: Foreground, threshold: float) -> tuple[Mask, MaskProbabilities]:
    """The mask at a threshold and its probabilities; agreement is that of plain and mirrored masks."""
    mean = foreground.mean
    mask = np.asarray(mean > threshold)
    agreement = mean_pairwise_dice([foreground.plain > threshold, foreground.mirrored > threshold])
    return mask, summary(mask, mean, agreement)
