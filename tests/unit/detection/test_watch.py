"""The alarm stands until somebody decides, and what is decided begins where it says."""

import math

import numpy as np
import pytest

from segwatch.detection.likelihood import of_count
from segwatch.detection.watch import Watch

THRESHOLD = math.log10(250)
GOOD, BAD = of_count(3, 20, 1.0), of_count(14, 20, 1.0)


def rung():
    watch = Watch()
    for seen in [GOOD] * 30 + [BAD] * 5:
        watch.take(seen, THRESHOLD)
    return watch


def test_an_alarm_rings_once_and_stands_while_all_is_well_again():
    watch = rung()
    at = watch.alarm.at
    for _ in range(300):
        watch.take(GOOD, THRESHOLD)

    assert 30 <= at < 35
    assert watch.alarm.at == at
    assert watch.log10_evidence < THRESHOLD


def test_an_acknowledged_change_that_goes_on_rings_again():
    watch = rung()
    watch.decide("acknowledge")
    assert watch.alarm is None
    assert watch.log10_evidence == -math.inf
    for _ in range(10):
        watch.take(BAD, THRESHOLD)

    assert watch.alarm is not None
    assert watch.beginning().median >= 35


def test_another_baseline_takes_the_level_for_granted():
    watch = rung()
    watch.decide("rebaseline")
    for _ in range(100):
        watch.take(BAD, THRESHOLD)

    assert watch.alarm is None
    assert watch.since == 35
    assert watch.evidence.baseline().mean == pytest.approx(0.69, abs=0.03)


def test_an_announced_change_begins_a_baseline_and_takes_no_alarm_away():
    watch = rung()
    alarm = watch.alarm
    watch.begin_baseline()

    assert watch.alarm == alarm
    assert watch.log10_evidence == -math.inf


def mended_unseen(watch):
    for _ in range(100):
        watch.take(GOOD, THRESHOLD)


def announced_meanwhile(watch):
    watch.begin_baseline()
    mended_unseen(watch)


@pytest.mark.parametrize("what_comes_then", [mended_unseen, announced_meanwhile])
def test_what_is_told_of_an_alarm_is_of_the_change_that_rang(what_comes_then):
    watch = rung()
    before, since = watch.evidence.before_and_since()
    begun = watch.beginning()
    what_comes_then(watch)

    assert watch.clearest.beginning() == begun
    assert watch.clearest.evidence.before_and_since() == (before, since)
    assert watch.clearest.seen == 35
    watch.decide("acknowledge")
    assert watch.clearest is watch


def test_a_change_that_goes_on_is_told_from_all_that_was_seen_of_it():
    watch = rung()
    for _ in range(20):
        watch.take(BAD, THRESHOLD)

    assert watch.clearest.seen == watch.seen == 55


def test_a_site_that_has_always_been_bad_does_not_ring_and_is_seen_to_get_worse():
    generator = np.random.default_rng(5)
    watch = Watch()
    for count in generator.binomial(20, 0.6, 100):
        watch.take(of_count(int(count), 20, 1.0), THRESHOLD)
    assert watch.alarm is None
    for count in generator.binomial(20, 0.9, 20):
        watch.take(of_count(int(count), 20, 1.0), THRESHOLD)

    assert watch.alarm is not None
    assert 98 <= watch.beginning().median <= 102
