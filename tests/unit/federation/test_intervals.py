"""The intervals hold what they promise: in simulation, and against exact values where there are some."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from segwatch.contracts.quality import BIN_MIDPOINTS
from segwatch.federation.dice import mean_dice
from segwatch.federation.noise_mass import mass_of_sum
from segwatch.federation.share import share_of
from segwatch.statistics.laplace import variance

RUNS = 2000


def _laplace(generator: np.random.Generator, scale: float, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    success = 1 - math.exp(-1 / scale)
    return generator.geometric(success, shape) - generator.geometric(success, shape)


def test_the_mass_of_one_noise_is_discrete_laplace() -> None:
    mass = mass_of_sum((2.0,))
    half = len(mass) // 2
    decay = math.exp(-0.5)
    expected = [(1 - decay) / (1 + decay) * decay ** abs(z) for z in range(-10, 11)]
    assert mass[half - 10 : half + 11] == pytest.approx(expected, abs=1e-12)


def test_the_mass_of_a_sum_is_the_convolution() -> None:
    one, other, both = mass_of_sum((1.0,)), mass_of_sum((3.0,)), mass_of_sum((1.0, 3.0))
    convolved = np.convolve(one, other)
    reach = 30
    middle = len(convolved) // 2
    assert both[len(both) // 2 - reach : len(both) // 2 + reach + 1] == pytest.approx(
        convolved[middle - reach : middle + reach + 1], abs=1e-12
    )


@pytest.mark.parametrize("scales", [(1.0,), (1.0, 2.0, 5.0), (1000.0,), (1.0,) * 1000])
def test_the_mass_adds_up_and_has_the_noises_variance(scales: tuple[float, ...]) -> None:
    mass = mass_of_sum(scales)
    z = np.arange(len(mass)) - len(mass) // 2
    assert mass.sum() == pytest.approx(1.0, abs=1e-9)
    assert (mass * z.astype(float) ** 2).sum() == pytest.approx(sum(map(variance, scales)), rel=1e-6)


@pytest.mark.parametrize(("count", "studies"), [(0, 60), (10, 60), (60, 60), (3, 20)])
def test_with_next_to_no_noise_the_interval_is_clopper_and_pearsons(count: int, studies: int) -> None:
    share = share_of([count], [studies], [40.0])
    exact = stats.binomtest(count, studies).proportion_ci(0.95, "exact")
    assert (share.low, share.high) == pytest.approx((exact.low, exact.high), abs=1e-5)


@pytest.mark.parametrize(
    ("p", "epsilon", "pulses"), [(0.05, 1.0, 3), (0.4, 1.0, 3), (0.9, 0.5, 5), (0.2, 0.1, 1)]
)
def test_the_shares_interval_covers_in_simulation(p: float, epsilon: float, pulses: int) -> None:
    generator = np.random.default_rng(20)
    counts = generator.binomial(20 * pulses, p, RUNS) + _laplace(generator, 1 / epsilon, (RUNS, pulses)).sum(
        1
    )
    covered = 0
    for count in counts:
        share = share_of([int(count)] + [0] * (pulses - 1), [20] * pulses, [epsilon] * pulses)
        covered += share.low <= p <= share.high
    assert covered / RUNS >= 0.945  # the promise is 0.95; its sampling error here is 0.005


def test_less_epsilon_makes_the_interval_wider() -> None:
    wide, narrow = share_of([10], [60], [0.1]), share_of([10], [60], [1.0])
    assert wide.low < narrow.low < 10 / 60 < narrow.high < wide.high


def test_a_count_that_only_noise_explains_leaves_the_interval_at_the_edge() -> None:
    assert share_of([-30], [20], [1.0]).low == 0.0
    assert share_of([90], [20], [1.0]).high == 1.0


@pytest.mark.parametrize(
    "shares", [(0.0, 0.02, 0.08, 0.3, 0.6), (0.3, 0.3, 0.2, 0.1, 0.1), (0.0, 0.0, 0.0, 0.0, 1.0)]
)
def test_the_means_interval_covers_in_simulation(shares: tuple[float, ...]) -> None:
    generator = np.random.default_rng(21)
    truth = float(np.dot(BIN_MIDPOINTS, shares))
    cells = generator.multinomial(95, shares, RUNS) + _laplace(generator, 2.0, (RUNS, 5))
    covered = 0
    for histogram in cells:
        mean = mean_dice([*map(int, histogram), 5, 0], 1.0)
        covered += mean.low <= truth + 1e-9 and truth - 1e-9 <= mean.high
    assert covered / RUNS >= 0.935


def test_the_mean_of_midpoints_is_exact_without_noise_to_speak_of() -> None:
    mean = mean_dice((0, 0, 0, 50, 50, 0, 0), 1.0)
    assert mean.mean == pytest.approx(0.8)
    assert mean.low < 0.8 < mean.high


def test_a_histogram_of_noise_alone_has_no_mean_or_an_interval_that_says_nothing() -> None:
    assert mean_dice((-1, 0, 0, 0, 0, 100, 0), 1.0).mean is None
    unknown = mean_dice((1, 0, 0, 0, 1, 98, 0), 1.0)
    assert (unknown.low, unknown.high) == (BIN_MIDPOINTS[0], BIN_MIDPOINTS[-1])


@pytest.mark.parametrize("cell", [10**9, -(10**9)])
def test_figures_at_the_schemas_bounds_are_within_arithmetic(cell: int) -> None:
    assert 0.1 <= mean_dice([cell] * 7, 0.001).low <= 0.9
    share = share_of([cell], [20], [0.001])
    assert 0.0 <= share.low <= share.high <= 1.0
