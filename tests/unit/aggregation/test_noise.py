"""The noise has the distribution that the budget needs, and the demonstration's is refused elsewhere."""

import logging
import math
from collections import Counter

import pytest
from scipy import stats

from segwatch.aggregation.mechanism.demo_noise import SeededNoise, choose_noise
from segwatch.aggregation.mechanism.noise import Noise, draw, scale_of
from segwatch.contracts.policy import SitePolicy
from segwatch.errors import BadSettings

DRAWS = 40_000


def _exact(z: int, scale: float) -> float:
    decay = math.exp(-1 / scale)
    return (1 - decay) / (1 + decay) * decay ** abs(z)


def _fit(noise: Noise, sensitivity: int, epsilon: float) -> float:
    """The p-value of a chi-squared test of many draws against the exact mass."""
    drawn = Counter(noise("test", [7] * DRAWS, sensitivity=sensitivity, epsilon=epsilon))
    scale = sensitivity / epsilon
    reach = math.ceil(4 * scale)
    seen = [drawn[7 + z] for z in range(-reach, reach + 1)]
    expected = [DRAWS * _exact(z, scale) for z in range(-reach, reach + 1)]
    seen.append(DRAWS - sum(seen))
    expected.append(DRAWS - sum(expected))
    return float(stats.chisquare(seen, expected).pvalue)


@pytest.mark.parametrize(("sensitivity", "epsilon"), [(1, 1.0), (2, 1.0), (1, 0.3), (100, 0.2)])
def test_opendps_noise_is_discrete_laplace_of_scale_sensitivity_over_epsilon(
    sensitivity: int, epsilon: float
) -> None:
    assert _fit(draw, sensitivity, epsilon) > 1e-7


@pytest.mark.parametrize(("sensitivity", "epsilon"), [(1, 1.0), (2, 0.5)])
def test_the_demonstrations_noise_has_the_same_distribution(sensitivity: int, epsilon: float) -> None:
    assert _fit(SeededNoise(3), sensitivity, epsilon) > 1e-4


def test_the_fit_notices_a_wrong_scale() -> None:
    def too_narrow(name: str, values: list[int], *, sensitivity: int, epsilon: float) -> list[int]:
        return draw(name, values, sensitivity=sensitivity, epsilon=1.1 * epsilon)

    assert _fit(too_narrow, 1, 1.0) < 1e-7  # type: ignore[arg-type]  # a list is a sequence


@pytest.mark.parametrize("epsilon", [1.0, 0.3, 0.1, 1 / 3, 0.7, 0.001])
def test_opendp_itself_bounds_the_loss_by_epsilon(epsilon: float) -> None:
    assert scale_of(3, epsilon) == pytest.approx(3 / epsilon, rel=1e-12)


def test_opendp_draws_anew_each_time() -> None:
    assert draw("a", [0] * 50, sensitivity=1, epsilon=0.1) != draw("a", [0] * 50, sensitivity=1, epsilon=0.1)


def test_seeded_noise_is_a_function_of_seed_and_name() -> None:
    def noise(seed: int, name: str) -> list[int]:
        return SeededNoise(seed)(name, [0] * 20, sensitivity=1, epsilon=0.2)

    assert noise(1, "hospital-a/1/pulse/0") == noise(1, "hospital-a/1/pulse/0")
    assert noise(1, "hospital-a/1/pulse/0") != noise(2, "hospital-a/1/pulse/0")
    assert noise(1, "hospital-a/1/pulse/0") != noise(1, "hospital-a/1/pulse/1")


def test_a_seed_is_refused_with_a_real_policy() -> None:
    with pytest.raises(BadSettings, match="protects nobody"):
        choose_noise(SitePolicy(version="default-1"), seed=1)


def test_a_seed_with_a_demonstrations_policy_is_said_loudly(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        noise_under = choose_noise(SitePolicy(version="demo-1"), seed=0)
    assert "DEMONSTRATION NOISE" in caplog.text
    assert isinstance(noise_under(SitePolicy(version="demo-1")), SeededNoise)


def test_a_block_under_the_policy_before_a_demonstrations_file_has_opendps_noise() -> None:
    assert choose_noise(SitePolicy(version="demo-1"), seed=0)(SitePolicy(version="default-1")) is draw


def test_without_a_seed_the_noise_is_opendps_even_for_a_demonstration() -> None:
    assert choose_noise(SitePolicy(version="demo-1"), seed=None)(SitePolicy(version="demo-1")) is draw
