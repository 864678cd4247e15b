"""How a mask agrees with another model's mask."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays

from segwatch.contracts.base import ModelIdentity
from segwatch.segmentation.second_opinion import agreement

MODEL = ModelIdentity(name="other", sha256="a" * 64)
MASKS = arrays.arrays(np.bool_, (2, 3, 4))


def row(*filled: int) -> np.ndarray:
    return np.isin(np.arange(6), filled).reshape(1, 1, 6)


def test_precision_is_of_the_mask_and_recall_of_the_other():
    found = agreement(row(0, 1, 2, 3), row(3, 4), MODEL)
    assert (found.dice, found.precision, found.recall) == pytest.approx((1 / 3, 1 / 4, 1 / 2))
    assert found.model == MODEL


def test_an_opinion_without_lesion_has_no_recall_and_an_empty_mask_nothing():
    found = agreement(row(1), row(), MODEL)
    assert (found.dice, found.precision, found.recall) == (0, 0, None)
    found = agreement(row(), row(1), MODEL)
    assert (found.dice, found.precision, found.recall) == (None, None, None)


@given(MASKS, MASKS)
def test_dice_lies_between_precision_and_recall(mask, other):
    found = agreement(mask, other, MODEL)
    if found.dice is not None and found.recall is not None:
        low, high = sorted((found.precision, found.recall))
        assert low - 1e-12 <= found.dice <= high + 1e-12
