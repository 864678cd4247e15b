"""What a model's own probabilities say of its mask."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from segwatch.contracts.studies import Ensemble, MaskProbabilities

LOW, HIGH = 0.3, 0.7
"""The thresholds whose masks agree where a model is sure of where its lesions end."""


def summary(
    mask: NDArray[np.bool_],
    foreground: NDArray[np.float32],
    fold_agreement: float | None,
    ensemble: Ensemble | None = None,
) -> MaskProbabilities:
    """What the probabilities say of the mask; None where the mask is empty.

    Soft Dice Confidence is the Dice that the mask would have if every voxel were lesion with its probability;
    soft recall is the share of the expected lesion that is in the mask. Sources: Borges et al., Soft Dice
    Confidence (2024), arXiv:2402.10665; Chlebus et al., Automatic liver tumor segmentation, Sci Rep 8, 2018.

    Args:
        mask: predicted lesion (z, y, x).
        foreground: probability of lesion in each voxel, same shape.
        fold_agreement: see `mean_pairwise_dice`.
        ensemble: what its members differ in.
    """
    inside = np.clip(foreground[mask].astype(np.float64), 0.0, 1.0)
    if inside.size == 0:
        return MaskProbabilities(fold_agreement=fold_agreement, ensemble=ensemble)
    expected = float(np.clip(foreground, 0.0, 1.0).sum(dtype=np.float64))
    shared = min(float(inside.sum()), expected)
    return MaskProbabilities(
        mean_foreground=float(inside.mean()),
        entropy=float(binary_entropy(inside).mean()),
        fold_agreement=fold_agreement,
        soft_dice_confidence=2 * shared / (expected + inside.size),
        soft_recall=shared / expected if expected else None,
        threshold_agreement=_dice(foreground > LOW, foreground > HIGH),
        ensemble=ensemble,
    )


def binary_entropy(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """In bits: 1 where the model cannot say, 0 where it is certain.

    Examples:
        >>> binary_entropy(np.array([0.0, 0.5, 1.0])).tolist()
        [0.0, 1.0, 0.0]
    """
    entropy = np.zeros_like(probability)
    for p in (probability, 1 - probability):
        entropy -= p * np.log2(p, out=np.zeros_like(p), where=p > 0)
    return entropy


def mean_pairwise_dice(masks: Sequence[NDArray[np.bool_]]) -> float | None:
    """The mean Dice of all pairs of masks (two empty masks agree); None for fewer than two."""
    pairs = [_dice(a, b) for a, b in combinations(masks, 2)]
    return float(np.mean(pairs)) if pairs else None


def _dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    together = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / together if together else 1.0
