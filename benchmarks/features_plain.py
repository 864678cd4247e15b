"""The paper's four features as one would plainly write them: slow, and easy to check.

With scikit-image, and scikit-learn for the Gaussian. What the tests compare with, and what the benchmark
measures against. Arrays are (z, y, x).
"""

import math
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, generate_binary_structure
from skimage.measure import label, regionprops
from sklearn.mixture import GaussianMixture

Labels = NDArray[np.int64]


def plain_four(
    ct: NDArray[Any], lesion: NDArray[np.bool_], lung: NDArray[np.bool_], rule: str = "26"
) -> dict[str, float]:
    """The four features; NaN where there is no value."""
    labels = plain_labels(lesion, rule)
    regions = regionprops(labels)
    empty = not regions
    return {
        "connected_components": float(len(regions)),
        "intensity_mode": math.nan if empty else plain_intensity(ct, regions),
        "segmentation_smoothness": plain_smoothness(regions),
        "lesions_within_lungs": math.nan if empty else float((lesion & lung).sum() / lesion.sum()),
    }


def plain_labels(lesion: NDArray[np.bool_], rule: str) -> Labels:
    """Components counted from 1. `l1`: grown by the 6-neighbour cross, labelled with 6, cut to the mask."""
    if rule == "26":
        return np.asarray(label(lesion, connectivity=3))
    grown = binary_dilation(lesion, generate_binary_structure(3, 1))
    return np.asarray(label(grown, connectivity=1)) * lesion


def plain_intensity(ct: NDArray[Any], regions: list[Any]) -> float:
    """A Gaussian fitted to the largest component, by scikit-learn as the authors' code does.

    Of several, the component whose first voxel comes first.
    """
    most = max(region.area for region in regions)
    largest = min((tuple(each.coords[0]), each) for each in regions if each.area == most)[1]
    values = ct[tuple(largest.coords.T)].reshape(-1, 1).astype(np.float64)
    return float(GaussianMixture(1).fit(values).means_[0, 0]) if len(values) > 1 else float(values[0, 0])


def plain_smoothness(regions: list[Any]) -> float:
    """For each component the mean Dice of consecutive slices in its extent; then the mean over components."""
    means = []
    for region in regions:
        pairs = [_dice(a, b) for a, b in pairwise(region.image)]
        counted = [dice for dice in pairs if dice is not None]
        if counted:
            means.append(np.mean(counted))
    return float(np.mean(means)) if means else math.nan


def _dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float | None:
    """None where both slices are the same, or both empty."""
    filled, shared = int(a.sum() + b.sum()), int((a & b).sum())
    return None if 2 * shared == filled else 2 * shared / filled
