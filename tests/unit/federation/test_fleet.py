"""The fold over releases: the first record counts, and copies change nothing."""

import random
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from segwatch.contracts.decisions import SiteDecision
from segwatch.contracts.release import SiteRelease
from segwatch.federation.release_records import Digests
from services.federation.fleet import Fleet, SiteReleases
from services.federation.metrics import figures_of
from tests.support.releases import heartbeat, portrait, pulse

GOOD = (0, 2, 5, 30, 60, 2, 1)
BAD = (30, 30, 20, 10, 5, 3, 2)


def _site(*releases: object, window: int = 3) -> SiteReleases:
    fleet = Fleet(window)
    for offset, release in enumerate(releases):
        fleet.take("hospital-a", SiteRelease(release), offset)  # type: ignore[arg-type]  # one of the three kinds
    return fleet.site("hospital-a")


def test_the_window_holds_the_last_pulses() -> None:
    share = _site(*(pulse(number, number) for number in range(10))).share()
    assert share is not None
    assert (share.count, share.studies) == (7 + 8 + 9, 60)


def test_a_new_epochs_pulses_come_behind_the_old_ones() -> None:
    share = _site(pulse(7, 1), pulse(8, 2), pulse(0, 10, epoch=2)).share()
    assert share is not None
    assert share.count == 13
    share = _site(pulse(7, 1), pulse(8, 2), pulse(0, 10, epoch=2), window=1).share()
    assert share is not None
    assert share.count == 10


def test_a_copy_is_counted_and_changes_nothing() -> None:
    site = _site(pulse(0, 5), pulse(1, 6), pulse(0, 5))
    assert (site.pulses, site.copies, site.conflicts) == (2, 1, 0)


def test_a_copy_that_says_something_else_is_a_conflict_and_not_believed() -> None:
    site = _site(pulse(0, 5), pulse(0, 15))
    share = site.share()
    assert share is not None
    assert (share.count, site.pulses, site.copies, site.conflicts) == (5, 1, 0, 1)


def _looked(offset: int, topic: str) -> SiteDecision:
    return SiteDecision(
        decision="acknowledge_releases",
        site="hospital-a",
        reason="the ledger was restored",
        who="somebody@centre",
        at=datetime(2026, 11, 23, tzinfo=UTC),
        released_to=offset,
        release_topic=topic,
    )


def test_a_conflict_stands_until_somebody_has_looked_and_a_later_one_stands_again() -> None:
    site = _site(pulse(0, 5), pulse(0, 15))
    site.records.topic = "first"
    assert figures_of(site)["open_conflicts"] == 1
    site.decide(_looked(2, "first"))
    assert figures_of(site)["open_conflicts"] == 0
    site.take(SiteRelease(pulse(0, 16)), 2, 3)
    site.records.refuse(3)
    site.decide(_looked(1, "first"))
    assert (figures_of(site)["open_conflicts"], figures_of(site)["open_refused"]) == (1, 1)


def test_what_was_looked_at_in_another_topic_of_that_name_hides_nothing() -> None:
    site = _site(pulse(0, 5), pulse(0, 15))
    site.records.topic = "made again"
    site.decide(_looked(1000, "deleted"))
    assert figures_of(site)["open_conflicts"] == 1


def test_who_looks_at_records_takes_no_alarm_away() -> None:
    site = _site(pulse(0, 5))
    site.decide(_looked(1, "first"))
    assert site.watched.decisions == []


def test_the_last_portrait_is_shown_even_when_an_older_one_comes_late() -> None:
    site = _site(portrait(1, BAD), portrait(0, GOOD))
    assert site.portraits == 2
    assert site.portrait == portrait(1, BAD)


def test_a_copy_of_an_old_heartbeat_does_not_set_the_clock_back() -> None:
    site = _site(heartbeat(10), heartbeat(11), heartbeat(10))
    assert (site.last_beat(), site.copies) == (11 * 300, 1)


def test_a_clock_that_ran_ahead_does_not_hide_a_site_that_falls_silent() -> None:
    site = _site(heartbeat(10), heartbeat(10_000_000), heartbeat(11))
    assert site.last_beat() == 11 * 300


def test_a_site_that_released_nothing_has_no_quality() -> None:
    assert figures_of(SiteReleases()) == {
        "pulses": 0.0,
        "portraits": 0.0,
        "open_conflicts": 0.0,
        "open_refused": 0.0,
    }


def test_the_figures_of_a_site_are_clamped_for_display_only() -> None:
    site = _site(pulse(0, -4), pulse(1, -1))
    figures = figures_of(site)
    assert figures["needs_attention_studies"] == 0.0
    assert figures["needs_attention_ratio"] == 0.0
    assert figures["needs_attention_ratio_low"] == 0.0
    assert figures["window_studies"] == 40.0


def test_bins_are_shares_of_the_portraits_studies() -> None:
    site = _site(portrait(0, (-3, 2, 5, 30, 120, 2, 1)))
    assert site.bins() == [0.0, 0.02, 0.05, 0.3, 1.0, 0.02, 0.01]


RELEASES = [
    *(pulse(number, number % 9) for number in range(12)),
    *(portrait(number, GOOD) for number in range(3)),
    *(heartbeat(number) for number in range(5)),
]


@settings(max_examples=60)
@given(st.lists(st.integers(0, len(RELEASES) - 1), max_size=60), st.integers(0, 99))
def test_copies_in_any_order_show_the_same_quality(copies: list[int], seed: int) -> None:
    plain = _site(*RELEASES)
    mixed = list(RELEASES)
    chance = random.Random(seed)
    for index in copies:
        mixed.insert(chance.randrange(len(RELEASES), len(mixed) + 1), RELEASES[index])
    doubled = _site(*mixed)
    assert figures_of(doubled) == figures_of(plain)
    assert (doubled.copies, doubled.conflicts) == (len(copies), 0)


def test_a_block_is_recognised_whatever_order_numbers_come_in() -> None:
    digests = Digests()
    firsts = {number: f"{number:08d}".encode()[:8] for number in (0, 2, 1, 5, 10**12)}
    assert [digests.first(number, digest) for number, digest in firsts.items()] == [None] * 5
    assert [digests.first(number, b"another!") for number in firsts] == list(firsts.values())
