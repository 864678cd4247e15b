"""True Dice: the truth, which no service sees, against the mask that lies in the hospital's store."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from segwatch.contracts.base import Geometry
from segwatch.contracts.studies import StudySegmented
from segwatch.volumes.codec import decode_mask
from segwatch.volumes.image import Mask
from segwatch.volumes.read import read_mask
from segwatch.volumes.store import VolumeStore

Truth = Callable[[str, Geometry], Mask | None]
"""The true lesion mask (z, y, x) of a case, on the voxels of the geometry; None where nobody knows it."""


def dice(predicted: Mask, true: Mask) -> float | None:
    """2·|A∩B| / (|A|+|B|); None where both are empty.

    Examples:
        >>> dice(np.array([[[True, False]]]), np.array([[[True, True]]]))
        0.6666666666666666
    """
    both = int(np.count_nonzero(predicted)) + int(np.count_nonzero(true))
    return 2 * int(np.count_nonzero(predicted & true)) / both if both else None


def true_dice(store: VolumeStore, study: StudySegmented, case: str, truth: Truth) -> float | None:
    """The true Dice of a study's lesion mask; None where its truth is not known or both are empty."""
    true = truth(case, study.geometry)
    return None if true is None else dice(store.load_mask(study.lesion), true)


def truth_file(folder: Path, site: str, case: str) -> Path:
    """Where the story's feeder puts a case's true lesion mask, encoded by `segwatch.volumes.codec`."""
    return folder / "truth" / site / f"{case}.b2m"


def truth_of_story(folder: Path, site: str) -> Truth:
    """The truth that the feeder put aside."""

    def find(case: str, _geometry: Geometry) -> Mask | None:
        path = truth_file(folder, site, case)
        return decode_mask(path.read_bytes()) if path.exists() else None

    return find


def truth_of_cases(files: dict[str, Path]) -> Truth:
    """The truth of a user's cases: `lesion_truth.nii.gz` by the case's name."""

    def find(case: str, geometry: Geometry) -> Mask | None:
        path = files.get(case)
        return read_mask(path, geometry).array if path is not None else None

    return find
