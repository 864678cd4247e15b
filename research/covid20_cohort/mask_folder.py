"""Predicted masks on disk, so that measuring them again needs no network."""

from pathlib import Path

import numpy as np

from segwatch.contracts.studies import MaskProbabilities
from segwatch.files import Finished, pack_arrays, unpack_arrays
from segwatch.volumes.image import Mask

Made = tuple[Mask, MaskProbabilities]


def mask_folder(folder: Path) -> Finished[Made]:
    """One file a prediction: the mask's bits, and what the network said of it."""
    return Finished(folder, ".npz", _packed, _unpacked)


def _packed(made: Made) -> bytes:
    mask, said = made
    shape, text = np.array(mask.shape), np.array(said.model_dump_json())
    return pack_arrays({"bits": np.packbits(mask), "shape": shape, "said": text})


def _unpacked(data: bytes) -> Made:
    arrays = unpack_arrays(data)
    shape = tuple(int(size) for size in arrays["shape"])
    bits = np.unpackbits(arrays["bits"], count=int(np.prod(shape)))
    said = MaskProbabilities.model_validate_json(str(arrays["said"]))
    return bits.reshape(shape).astype(np.bool_), said
