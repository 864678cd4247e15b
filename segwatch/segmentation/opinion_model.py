"""The second opinion's model: a small network on a verified bundle, about a second of a processor a study.

Needs torch; imported only where a bundle is configured. Its weights are arrays, never a pickle.
"""

import numpy as np
import torch

from segwatch.contracts.studies import SecondOpinion
from segwatch.errors import RefusedModel
from segwatch.files import unpack_arrays
from segwatch.segmentation.bundle import OPINION_WEIGHTS, OpinionBundle
from segwatch.segmentation.opinion_grid import OpinionGrid, lung_view, opinion_grid
from segwatch.segmentation.opinion_network import lesion_probability, network_of
from segwatch.segmentation.second_opinion import agreement
from segwatch.volumes.image import Array, Mask, Volume


class OpinionModel:
    """The network, loaded once."""

    def __init__(self, bundle: OpinionBundle, *, threads: int = 1) -> None:
        """Load a verified bundle.

        Raises:
            RefusedModel: its weights are not the network's.
        """
        self.identity = bundle.identity
        self._threads = threads
        path = bundle.folder / OPINION_WEIGHTS
        try:
            self._network = network_of(unpack_arrays(path.read_bytes()))
        except Exception as error:  # whatever is in the file, NumPy and torch say it in many ways
            raise RefusedModel(
                f"{path} does not hold the weights of a second opinion ({type(error).__name__}):"
                " take the bundle from its source again"
            ) from error

    def opinion_of(self, ct: Volume, lung: Mask | None, lesion: Mask) -> SecondOpinion | None:
        """The agreement of a lesion mask with the network's, on the network's grid.

        Args:
            ct: in HU. lung: its lung mask (z, y, x). lesion: the mask that is judged.

        Returns:
            None where there is no lung to look at.
        """
        if lung is None or not lung.any():
            return None
        grid = opinion_grid(lung, ct.geometry.spacing_zyx_mm)
        found = self.mask_on(grid, ct.array, lung)
        return None if found is None else agreement(grid.majority(lesion), found, self.identity)

    def mask_on(self, grid: OpinionGrid, ct: Array, lung: Mask) -> Mask | None:
        """The network's own lesion mask on the grid (z, y, x), in the whole plane; None without lung."""
        torch.set_num_threads(self._threads)  # here: the stage works in a thread of its own
        view = lung_view(ct, lung, grid)
        if view is None:
            return None
        with_lung = np.flatnonzero(view.lung.any(axis=(1, 2)))
        slabs = slice(int(with_lung[0]), int(with_lung[-1]) + 1)
        mask = np.zeros(grid.shape, np.bool_)
        mask[(slabs, *grid.box)] = lesion_probability(self._network, view.stacks()[slabs]) > 0.5
        return mask
