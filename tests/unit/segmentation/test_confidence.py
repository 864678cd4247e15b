"""What a model says of its own mask."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from segwatch.segmentation.confidence import binary_entropy, mean_pairwise_dice, summary

MASKS = arrays.arrays(np.bool_, (2, 3, 4))


def test_means_are_taken_inside_the_mask():
    mask = np.array([[[True, True, False]]])
    foreground = np.array([[[1.0, 0.5, 0.4]]], np.float32)
    made = summary(mask, foreground, None)
    assert made.mean_foreground == pytest.approx(0.75)
    assert made.entropy == pytest.approx(0.5)
    assert made.fold_agreement is None


def test_an_empty_mask_has_no_means():
    made = summary(np.zeros((1, 2, 2), np.bool_), np.full((1, 2, 2), 0.3, np.float32), 1.0)
    assert (made.mean_foreground, made.entropy, made.fold_agreement) == (None, None, 1.0)


@given(arrays.arrays(np.float64, 5, elements=st.floats(0, 1)))
def test_entropy_lies_between_0_and_1_and_knows_no_side(probability):
    entropy = binary_entropy(probability)
    assert ((entropy >= 0) & (entropy <= 1 + 1e-12)).all()
    np.testing.assert_allclose(entropy, binary_entropy(1 - probability), atol=1e-9)


@given(st.lists(MASKS, min_size=2, max_size=4))
def test_agreement_lies_between_0_and_1_and_is_1_for_equal_masks(masks):
    agreement = mean_pairwise_dice(masks)
    assert 0 <= agreement <= 1
    assert mean_pairwise_dice([masks[0]] * 3) == 1


def test_one_fold_agrees_with_nobody():
    assert mean_pairwise_dice([np.ones((1, 1, 1), np.bool_)]) is None
    assert mean_pairwise_dice([]) is None


def test_soft_figures_take_the_whole_scan_into_account():
    mask = np.array([[[True, True, False, False]]])
    foreground = np.array([[[1.0, 0.5, 0.5, 0.0]]], np.float32)
    made = summary(mask, foreground, None)
    assert made.soft_dice_confidence == pytest.approx(2 * 1.5 / (2 + 2))
    assert made.soft_recall == pytest.approx(1.5 / 2)
    assert made.threshold_agreement == pytest.approx(2 / (3 + 1))


def test_a_model_that_is_certain_has_soft_figures_of_1():
    mask = np.array([[[True, False]]])
    made = summary(mask, mask.astype(np.float32), None)
    assert (made.soft_dice_confidence, made.soft_recall, made.threshold_agreement) == (1, 1, 1)


@given(MASKS, arrays.arrays(np.float32, (2, 3, 4), elements=st.floats(0, 1, width=32)))
def test_soft_figures_are_shares(mask, foreground):
    made = summary(mask, foreground, None, "seeds")
    assert made.ensemble == "seeds"  # and the contract refuses what is no share
