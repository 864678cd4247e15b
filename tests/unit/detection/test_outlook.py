"""What can be seen of a site and when: the table, small."""

import numpy as np
import pytest

from segwatch.detection.outlook import delays_of, flagged, noised, outlook
from segwatch.statistics.laplace import mass


def test_a_large_change_is_found_sooner_than_a_small_one_and_an_old_baseline_sees_more():
    lines = {(line.baseline_pulses, line.before, line.after): line for line in outlook((50.0,), runs=60)}

    for baseline in (20, 200):
        assert lines[baseline, 0.18, 0.74].half_studies < lines[baseline, 0.18, 0.40].half_studies
    assert lines[200, 0.18, 0.40].nine_in_ten_studies < lines[20, 0.18, 0.40].nine_in_ten_studies
    assert lines[200, 0.18, 0.40].threshold == pytest.approx(50 / 7 * 365.25 / 12 / 20 * 12)


def test_what_is_hardly_a_change_is_missed_and_said_so():
    delays = delays_of(0.30, 0.31, threshold=250, baseline=20, most=5, runs=50)

    assert np.isinf(delays).mean() > 0.9


def test_a_scorer_without_skill_flags_what_it_always_flags():
    assert flagged(0.0) == pytest.approx(0.2)
    assert flagged(1.0) == pytest.approx(0.76)


def test_the_simulated_noise_is_the_releases():
    drawn = noised(np.random.default_rng(1), 0.5, 20, 1.0, 40_000)
    binomial = np.random.default_rng(2).binomial(20, 0.5, 40_000)
    exact = sum(mass(z, 1.0) * np.mean(binomial + z <= 7) for z in range(-30, 31))

    assert np.mean(drawn <= 7) == pytest.approx(exact, abs=0.01)
