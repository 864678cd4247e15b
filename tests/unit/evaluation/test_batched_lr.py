"""LR on many resamples at once is scikit-learn's LR on each."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from segwatch.evaluation.batched_lr import fit_resamples
from segwatch.scoring.bins import bin_of
from segwatch.scoring.predict import raw_bins
from segwatch.training.models import MODELS, fit


def studies(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, 4) that follow the Dice (n,), on scales as different as the paper's four."""
    generator = np.random.default_rng(seed)
    dice = generator.uniform(0.05, 0.95, n)
    noise = generator.normal(size=(4, n)) * np.array([[4.0], [60.0], [0.1], [0.05]])
    means = np.stack([30 - 25 * dice, -300 - 400 * dice, 0.3 + 0.5 * dice, 0.6 + 0.4 * dice])
    return (means + noise).T, dice


def draws(n: int, count: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return np.stack([np.bincount(generator.integers(n, size=n), minlength=n) for _ in range(count)])


def exact(values: np.ndarray, bins: np.ndarray) -> LogisticRegression:
    """scikit-learn's, run to its optimum instead of to its default tolerance."""
    model = LogisticRegression(class_weight="balanced", solver="newton-cholesky", tol=1e-12, max_iter=1000)
    return make_pipeline(StandardScaler(), model).fit(values, bins)


def test_the_probabilities_are_those_of_scikit_learn_at_its_optimum() -> None:
    values, dice = studies(192, 0)
    counts = draws(192, 12, 1)
    made = fit_resamples(values, bin_of(dice), counts).probabilities(values)
    for number, drawn in enumerate(counts):
        rows = np.repeat(np.arange(192), drawn)
        expected = raw_bins(exact(values[rows], bin_of(dice[rows])), values)
        np.testing.assert_allclose(made[number], expected, atol=1e-9)


def test_with_the_papers_settings_the_bins_agree_and_the_probabilities_differ_by_its_tolerance() -> None:
    values, dice = studies(192, 2)
    counts = draws(192, 12, 3)
    made = fit_resamples(values, bin_of(dice), counts).probabilities(values)
    for number, drawn in enumerate(counts):
        rows = np.repeat(np.arange(192), drawn)
        expected = raw_bins(fit(MODELS["lr"], values[rows], dice[rows]), values)
        np.testing.assert_allclose(made[number], expected, atol=5e-3)
        first, second = np.sort(expected, axis=1)[:, -2:].T[::-1]
        clear = first - second > 1e-2
        assert clear.mean() > 0.9
        assert (made[number].argmax(axis=1) == expected.argmax(axis=1))[clear].all()


@pytest.mark.parametrize("classes", [1, 2, 3, 4])
def test_a_resample_that_lacks_bins_is_fitted_as_scikit_learn_fits_it(classes: int) -> None:
    values, dice = studies(120, 4)
    bins = bin_of(dice)
    counts = np.where(bins >= 5 - classes, draws(120, 3, 5) + 1, 0)
    made = fit_resamples(values, bins, counts).probabilities(values)
    assert (made[:, :, : 5 - classes] == 0).all()
    for number, drawn in enumerate(counts):
        rows = np.repeat(np.arange(120), drawn)
        if classes == 1:
            assert (made[number, :, 4] == 1).all()
        else:
            expected = raw_bins(exact(values[rows], bins[rows]), values)
            np.testing.assert_allclose(made[number], expected, atol=1e-9 if classes > 2 else 5e-3)


def test_a_feature_that_is_constant_in_one_resample_is_left_to_scikit_learn() -> None:
    values, dice = studies(80, 6)
    values[10:, 3] = 1.0
    counts = draws(80, 2, 7)
    counts[0, :10] = 0
    made = fit_resamples(values, bin_of(dice), counts).probabilities(values)
    for number, drawn in enumerate(counts):
        rows = np.repeat(np.arange(80), drawn)
        expected = raw_bins(fit(MODELS["lr"], values[rows], dice[rows]), values)
        np.testing.assert_allclose(made[number], expected, atol=5e-3)


def test_bins_that_separate_perfectly_converge_too() -> None:
    dice = np.linspace(0.02, 0.98, 100)
    values = np.stack([dice * 1e4, np.sin(50 * dice)], axis=1)
    counts = draws(100, 4, 8)
    made = fit_resamples(values, bin_of(dice), counts).probabilities(values)
    rows = np.repeat(np.arange(100), counts[0])
    np.testing.assert_allclose(made[0], raw_bins(exact(values[rows], bin_of(dice[rows])), values), atol=1e-9)
