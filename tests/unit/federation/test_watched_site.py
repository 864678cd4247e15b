"""A site's pulses and decisions, in whatever order the two topics are read: what stands is the same."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segwatch.contracts.decisions import PulseName, SiteDecision
from segwatch.contracts.release import Pulse
from segwatch.federation.watched_site import Change, WatchedSite, changed_sites
from tests.support.messages import NOW
from tests.support.releases import pulse

MONTHS = 12.0
GOOD = (3, 2, 4, 3, 5, 2, 3, 4, 1, 3)


def _pulses(*counts: int, changes: dict[int, int] | None = None) -> list[Pulse]:
    told = changes or {}
    return [
        pulse(number, count).model_copy(update={"changes": told.get(number)})
        for number, count in enumerate(counts)
    ]


def _decision(kind: str, follows: int, epoch: int = 1) -> SiteDecision:
    return SiteDecision.model_validate(
        {
            "decision": kind,
            "site": "hospital-a",
            "reason": "looked",
            "who": "a@b",
            "at": NOW,
            "epoch": epoch,
            "pulse": follows,
        }
    )


def _watched(events: list[Any], looked: Callable[[WatchedSite], object] = lambda _: None) -> WatchedSite:
    """What was told in this order; somebody looks behind each."""
    site = WatchedSite()
    for event in events:
        if isinstance(event, Pulse):
            site.take(event)
        else:
            site.decide(event)
        looked(site)
    return site


def _change(events: list[Any]) -> Change:
    change = _watched(events).change(MONTHS)
    assert change is not None
    return change


DROP = _pulses(*GOOD * 3, 14, 15, 16, 14, 15)


def test_a_drop_rings_and_says_when_it_began_and_how_much() -> None:
    change = _change([*DROP])

    assert change.alarm is not None
    assert change.alarm.number in (31, 32)
    assert [begun.name.number for begun in change.begun] == [30, 29, 30]
    assert change.before == pytest.approx(0.16, abs=0.04)
    assert change.since == pytest.approx(0.6, abs=0.15)
    assert change.studies_since == 100


@given(st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_it_makes_no_difference_when_decisions_are_read_or_whether_anybody_looked(
    seed: int,
) -> None:
    chance = random.Random(seed)
    decisions = [_decision("acknowledge", 32), _decision("rebaseline", 33)]
    whole = _change([*DROP[:33], decisions[0], DROP[33], decisions[1], DROP[34]])
    events: list[Any] = list(DROP)
    for decision in decisions:
        events.insert(chance.randrange(len(events) + 1), decision)
    site = _watched(events, lambda site: site.change(MONTHS) if chance.random() < 0.3 else None)
    assert site.change(MONTHS) == whole


@given(st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_where_sites_join_and_leave_a_site_is_judged_as_if_they_had_always_been_there(
    chance: random.Random,
) -> None:
    rules = (0.01, MONTHS, 40.0, 1e6)
    counts = [chance.choice(GOOD) for _ in range(40)] + [chance.choice((5, 8, 12)) for _ in range(40)]
    days = [date(2026, 1, 5) + timedelta(days=3 * number) for number in range(80)]
    dated = [
        each.model_copy(update={"closed": day}) for each, day in zip(_pulses(*counts), days, strict=True)
    ]
    events = [*dated, *(_decision(chance.choice(("acknowledge", "rebaseline")), 3) for _ in range(2))]
    events.insert(60, _decision(chance.choice(("acknowledge", "rebaseline")), chance.randint(30, 59)))
    site = _watched(events, lambda site: site.change(chance.choice(rules)) if chance.random() < 0.3 else None)
    for months in rules:
        assert site.change(months) == _watched(events).change(months)


def test_an_acknowledgement_ends_the_alarm_and_what_goes_on_rings_again() -> None:
    assert _change([*DROP[:33], _decision("acknowledge", 32)]).alarm is None
    more = _pulses(*GOOD * 3, *[15] * 12)
    change = _change([*more, _decision("acknowledge", 33)])
    assert change.alarm is not None
    assert change.alarm.number > 33


def test_a_decision_about_a_pulse_that_has_not_come_waits_for_it() -> None:
    site = _watched([*DROP[:33], _decision("acknowledge", 34)])
    assert (told := site.change(MONTHS)) is not None
    assert told.alarm is not None
    site.take(DROP[33])
    site.take(DROP[34])
    assert (told := site.change(MONTHS)) is not None
    assert told.alarm is None


def test_a_decision_behind_a_pulse_that_is_missing_comes_before_the_next() -> None:
    whole = [one for one in DROP if one.number != 33]
    assert _change([*whole, _decision("acknowledge", 33)]).alarm is None or (
        _change([*whole, _decision("acknowledge", 33)]).alarm == PulseName(1, 34)
    )


def test_an_announced_change_begins_a_baseline_and_is_no_alarm() -> None:
    usual = dict.fromkeys(range(30), 2)
    told = _pulses(*GOOD * 3, *[14] * 10, changes={**usual, **dict.fromkeys(range(30, 40), 3)})

    assert _change([*_pulses(*GOOD * 3, *[14] * 10)]).alarm is not None
    change = _change([*told])
    assert change.alarm is None
    assert change.baseline_from == PulseName(1, 30)


def test_a_counter_that_begins_with_a_new_epoch_is_no_change() -> None:
    old = [pulse(number, 3).model_copy(update={"changes": 5}) for number in range(20)]
    new = [pulse(number, 3, epoch=2).model_copy(update={"changes": 0}) for number in range(5)]
    later = [pulse(number, 3, epoch=2).model_copy(update={"changes": 1}) for number in range(5, 9)]

    assert _change([*old, *new]).baseline_from == PulseName(1, 0)
    assert _change([*old, *new, *later]).baseline_from == PulseName(2, 5)


def test_a_site_whose_volume_is_known_has_its_own_threshold() -> None:
    weekly = [
        pulse(number, 3).model_copy(update={"closed": date(2026, 1, 5) + timedelta(weeks=number)})
        for number in range(20)
    ]
    change = _change([*weekly])

    assert change.pulses_a_month == pytest.approx(365.25 / 12 / 7)
    assert 10**change.log10_threshold == pytest.approx(12 * 365.25 / 12 / 7)
    assert (more := _watched([*weekly]).change(40.0)) is not None
    assert 10**more.log10_threshold == pytest.approx(40 * 365.25 / 12 / 7)


def test_sites_that_rise_a_little_together_are_found_together_and_one_alone_is_not() -> None:
    little = _pulses(*GOOD * 3, 8, 9)
    one, quiet = _change([*little]), _change([*_pulses(*GOOD * 3)])

    assert one.alarm is None
    assert changed_sites({"a": one, "b": quiet}) == frozenset()
    assert changed_sites(dict.fromkeys("abcdefgh", one)) == set("abcdefgh")


def test_before_the_first_pulse_nothing_is_known() -> None:
    assert WatchedSite().change(MONTHS) is None
