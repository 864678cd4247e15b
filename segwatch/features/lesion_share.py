"""How much of the lung is lesion: by a predicted mask, where it is a feature, and by the truth."""

from segwatch.features.kernels.masks import BinaryMask
from segwatch.features.kernels.sampling import any_filled, count_inside


def lung_share(lesion: int, lung: int, inside: int) -> float:
    """Lesion voxels over those of lung and lesion together, of which `inside` are both."""
    return lesion / (lung + lesion - inside)


def share_of_lung(lesion: BinaryMask, lung: BinaryMask) -> float | None:
    """The same of two masks of one shape: 0 of an empty lesion mask; None where there is no lung."""
    if not any_filled(lung):
        return None
    runs = lesion.runs
    return lung_share(runs.voxels, lung.runs.voxels, count_inside(lung, runs))
