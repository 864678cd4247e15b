"""Thresholds, volumes, dispersion, and sites judged together."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwatch.detection.dispersion import Counted, Spread, spread_of
from segwatch.detection.threshold import PulseRate, months_between
from segwatch.detection.together import found_together

MONDAY = date(2026, 1, 5)


def volume(days):
    found = PulseRate()
    for day in days:
        found.add(day)
    return found


@pytest.mark.parametrize(("sites", "pages", "months"), [(1, 1, 12), (12, 1, 12), (40, 1, 40), (40, 2, 20)])
def test_false_pages_are_borne_for_the_whole_centre_and_once_a_year_for_a_site(sites, pages, months):
    assert months_between(sites, pages) == months


def test_a_volume_is_unknown_for_eight_weeks_and_then_what_it_is():
    weeks = [MONDAY + timedelta(weeks=week) for week in range(30) for _ in range(3)]

    assert volume(weeks[:24]).a_month() is None
    assert 10 ** volume(weeks[:24]).log10_threshold(12) == pytest.approx(250)
    assert volume(weeks).a_month() == pytest.approx(3 * 365.25 / 12 / 7)
    assert 10 ** volume(weeks).log10_threshold(12) == pytest.approx(12 * 3 * 365.25 / 12 / 7)
    assert 10 ** volume(weeks).log10_threshold(12, studies_a_step=20) == pytest.approx(240 * 3 * 365.25 / 84)


@given(st.lists(st.dates() | st.sampled_from([date.min, date.max]), min_size=1))
def test_a_volume_lives_through_every_date_that_a_site_may_name(days):
    assert volume(days).log10_threshold(12) >= 0


def test_dates_cut_to_the_month_give_nearly_the_same_volume():
    days = [MONDAY + timedelta(days=each) for each in range(400)]

    assert volume([day.replace(day=1) for day in days]).a_month() == pytest.approx(30.4, rel=0.1)


def test_a_clock_that_ran_ahead_for_a_pulse_is_forgotten():
    weeks = [MONDAY + timedelta(weeks=week) for week in range(30)]
    wrong = [*weeks[:15], date(2031, 1, 6), *weeks[15:]]

    assert volume(wrong).a_month() == pytest.approx(volume(weeks).a_month(), rel=0.05)


def test_sites_that_change_together_are_found_where_none_is_alone():
    nearly = dict.fromkeys("abcd", -0.5)

    assert found_together(nearly) == set("abcd")
    assert found_together({**nearly, "d": -3.0}) == frozenset()
    assert found_together({"a": 0.0, "b": -5.0}) == {"a"}
    assert found_together({"a": 400.0, "b": -0.3, "c": -float("inf")}) == {"a", "b"}
    assert found_together({}) == frozenset()


def counts(generator, shares, patients=1):
    drawn = generator.binomial(20 // patients, shares) * patients
    success = 1 - np.exp(-1.0)
    noise = generator.geometric(success, len(shares)) - generator.geometric(success, len(shares))
    return [Counted(int(count), 20, 1.84) for count in drawn + noise]


def test_the_dispersion_of_independent_studies_is_one_and_of_pairs_nearly_two():
    generator = np.random.default_rng(3)
    steady = np.full(5000, 0.3)

    assert spread_of(counts(generator, steady)).dispersion == pytest.approx(1.0, abs=0.1)
    assert spread_of(counts(generator, steady, patients=2)).dispersion == pytest.approx(1.7, abs=0.2)


def test_one_change_of_level_hardly_moves_the_dispersion():
    generator = np.random.default_rng(4)

    found = spread_of(counts(generator, np.repeat([0.2, 0.7], 2500)))
    assert found.dispersion == pytest.approx(1.0, abs=0.15)


def test_too_few_pulses_say_nothing_and_sites_add_up():
    assert spread_of(counts(np.random.default_rng(1), np.full(9, 0.2))).dispersion is None
    assert (Spread(3.0, 2) + Spread(1.0, 2)).dispersion == 1.0
