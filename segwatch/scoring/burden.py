"""The second target: how far a mask's lesion share of the lung is from the truth's, in percentage points.

Burden is what clinicians read off a mask. A mask of middling Dice can have the right share, and one of good
Dice a wrong one where disease is severe. The error is the truth's share less the mask's, so that the mask's
share and the error together are the truth's.
"""

from typing import Any

import numpy as np

from segwatch.arrays import Floats
from segwatch.scoring.manifest import ScorerManifest
from segwatch.scoring.second_target import MASK_SHARE, Burden
from segwatch.scoring.terms import columns

POINTS = 100.0
"""Percentage points in a share of 1."""
FARTHEST = 10.0
"""No logarithm of a ratio of shares is larger."""
Bounds = tuple[float, float]


def mask_share(manifest: ScorerManifest, values: Floats) -> Floats:
    """The masks' share (n,), 0 to 1, among the scorer's features (n, f)."""
    return np.asarray(values[:, manifest.feature_names.index(MASK_SHARE)], dtype=np.float64)


def share_error(model: Any, manifest: ScorerManifest, values: Floats) -> Floats:  # noqa: ANN401 - scikit-learn carries no types
    """The predicted errors (n,) in percentage points, from the scorer's features (n, f) without gaps."""
    read = columns(manifest.terms, manifest.feature_names, values)
    part = manifest.burden
    if part is None:
        raise ValueError(f"{manifest.name} has no second target")
    ratio = np.asarray(model.predict(read), dtype=np.float64)
    return error_of(ratio, mask_share(manifest, values), floor=part.floor, weight=part.weight)


def log_ratio(truth: Floats, share: Floats, floor: float) -> Floats:
    """What the model learns (n,): the logarithm of the truth's share over the mask's, each with the floor.

    The floor, a share, holds the ratio of two small shares.
    """
    return np.asarray(np.log(truth + floor) - np.log(share + floor), dtype=np.float64)


def error_of(ratio: Floats, share: Floats, *, floor: float, weight: float) -> Floats:
    """The error (n,) in points that a predicted `log_ratio` means at the mask's share (n,), times the weight.

    A median of the ratio is a median of the error. A weight below 1 draws it to 0, since few patients teach a
    model to say too much of the next.
    """
    beyond = np.expm1(np.clip(ratio, -FARTHEST, FARTHEST)) * (share + floor)
    return possible(weight * POINTS * np.asarray(beyond, dtype=np.float64), share)


def possible(error: Floats, share: Floats) -> Floats:
    """Errors (n,) in points, cut where the truth's share would leave 0 to 1; share (n,) is the mask's."""
    within = np.clip(share, 0.0, 1.0)
    return np.clip(error, -POINTS * within, POINTS * (1.0 - within))


def error_bounds(burden: Burden, error: float, share: float, *, outside: bool) -> Bounds:
    """Between which the error lies, in points; all that is possible for a study outside."""
    low, high = burden.interval.errors_at(share)
    ends = np.array([-POINTS, POINTS]) if outside else np.array([error + low, error + high])
    first, last = possible(ends, np.full(2, share))
    return float(first), float(last)
