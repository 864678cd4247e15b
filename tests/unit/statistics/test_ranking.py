"""Figures of resamples against the plain definition on rows that are there as often as they were drawn."""

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from segwatch.arrays import Floats
from segwatch.statistics.ranking import aurc, pearson, spearman

RESAMPLES, N = 6, 40


@pytest.fixture(params=[1, RESAMPLES])
def drawn(request: pytest.FixtureRequest) -> tuple[Floats, Floats, Floats]:
    """Predicted Dice with ties and gaps, of one model or of one a resample; true Dice; how often drawn."""
    generator = np.random.default_rng(5)
    dice = np.round(generator.uniform(0, 1, N), 1)
    predicted = np.round(dice + generator.normal(0, 0.2, (request.param, N)), 1)
    predicted[:, :3] = np.nan
    return predicted, dice, generator.poisson(1.0, (RESAMPLES, N)).astype(np.float64)


def plain_aurc(predicted: Floats, dice: Floats) -> float:
    """The mean over orders of equal predictions, which is that of their mean risk."""
    confidence = np.nan_to_num(predicted, nan=-1.0)
    risk = np.array([(1 - dice)[confidence == each].mean() for each in confidence])
    ordered = risk[np.argsort(-confidence, kind="stable")]
    return float(np.mean([ordered[:k].mean() for k in range(1, len(ordered) + 1)]))


def test_every_resample_has_the_figures_of_its_rows(drawn: tuple[Floats, Floats, Floats]) -> None:
    predicted, dice, weights = drawn
    found = zip(*(figure(predicted, dice, weights) for figure in (aurc, pearson, spearman)), strict=True)
    for said, counts, made in zip(found, weights, np.broadcast_to(predicted, weights.shape), strict=True):
        rows = np.repeat(np.arange(N), counts.astype(int))
        known = rows[~np.isnan(made[rows])]
        expected = (
            plain_aurc(made[rows], dice[rows]),
            pearsonr(made[known], dice[known]).statistic,
            spearmanr(made[known], dice[known]).statistic,
        )
        assert said == pytest.approx(expected, rel=1e-10)


def test_what_says_the_same_of_every_mask_has_no_correlation_and_the_mean_risk() -> None:
    dice = np.linspace(0.13, 0.97, 31)
    same, weights = np.full((1, 31), 0.1 + 0.2), np.ones((1, 31))
    assert np.isnan(pearson(same, dice, weights)).all()
    assert np.isnan(spearman(same, dice, weights)).all()
    assert aurc(same, dice, weights) == pytest.approx((1 - dice).mean())


def test_the_true_order_has_the_lowest_area_and_an_undefined_study_is_trusted_last() -> None:
    dice, weights = np.array([0.9, 0.6, 0.0]), np.ones((1, 3))
    assert aurc(dice[None], dice, weights) == pytest.approx((0.1 + 0.25 + 0.5) / 3)
    assert aurc(-dice[None], dice, weights) == pytest.approx((1.0 + 0.7 + 0.5) / 3)
    undefined = np.array([[0.5, 0.4, np.nan]])
    assert aurc(undefined, dice, weights) == aurc(dice[None], dice, weights)
