"""The lung model: lungmask's U-Net on the hospital's weights.

Source: Hofmanninger et al., Eur Radiol Exp 4:50, 2020.

Needs torch; imported only where weights are configured.
"""

from pathlib import Path

import numpy as np
import torch
from lungmask import LMInferer

from segwatch.errors import RefusedModel
from segwatch.segmentation.bundle import sha256_of
from segwatch.volumes.image import Array, Mask

_BATCH = 4
"""Slices at a time: 20, lungmask's own, takes 3 GB on a CPU and is no faster there."""


class LungModel:
    """lungmask's R231 network, loaded once."""

    def __init__(self, weights: Path, sha256: str, *, device: str = "cpu", threads: int = 1) -> None:
        """Verify the weights and load them; lungmask takes the first GPU unless `device` is `cpu`.

        Raises:
            RefusedModel: the file is not there, does not have the hash, or is not R231's.
        """
        _verify(weights, sha256)
        self.sha256 = sha256
        self._threads = threads
        try:
            self._inferer = LMInferer(
                modelpath=str(weights), force_cpu=device == "cpu", batch_size=_BATCH, tqdm_disable=True
            )
        except Exception as error:  # whatever is in the file, lungmask and torch say it in many ways
            raise RefusedModel(
                f"LUNG_WEIGHTS: lungmask cannot load {weights} ({type(error).__name__}): give the weights"
                " of R231, unet_r231-d5d2fc3d.pth of lungmask's releases"
            ) from error

    def segment(self, ct: Array) -> Mask | None:
        """The lungs in a CT (z, y, x) in HU, canonical axial orientation; None where it finds none."""
        torch.set_num_threads(self._threads)  # here: the stage works in a thread of its own
        mask = np.asarray(self._inferer.apply(np.ascontiguousarray(ct)) > 0)
        return mask if mask.any() else None


def _verify(weights: Path, sha256: str) -> None:
    try:
        found = sha256_of(weights)
    except OSError as error:
        raise RefusedModel(f"LUNG_WEIGHTS: {weights} cannot be read ({type(error).__name__})") from None
    if found != sha256:
        raise RefusedModel(
            f"LUNG_WEIGHTS: {weights} has the sha256 {found}, not LUNG_WEIGHTS_SHA256 ({sha256}):"
            " the file is another or damaged; fetch it again"
        )
