"""Predicted masks that are kept, so that measuring them again needs no network."""

from pathlib import Path

import numpy as np

from segwatch.contracts.studies import MaskProbabilities
from segwatch.volumes.image import Mask

Made = tuple[Mask, MaskProbabilities]


class MaskFolder:
    """One file a prediction: the mask's bits, and what the network said of it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def get(self, key: str) -> Made | None:
        """What was kept under the key, or None."""
        path = self._folder / f"{key}.npz"
        if not path.is_file():
            return None
        with np.load(path, allow_pickle=False) as kept:
            shape = tuple(int(size) for size in kept["shape"])
            bits = np.unpackbits(kept["bits"], count=int(np.prod(shape)))
            said = MaskProbabilities.model_validate_json(str(kept["said"]))
        return bits.reshape(shape).astype(np.bool_), said

    def put(self, key: str, made: Made) -> None:
        """Keep a prediction under a key."""
        mask, said = made
        beside = self._folder / f".{key}.npz"
        np.savez_compressed(beside, bits=np.packbits(mask), shape=mask.shape, said=said.model_dump_json())
        beside.replace(self._folder / f"{key}.npz")
