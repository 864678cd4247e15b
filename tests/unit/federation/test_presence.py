"""Whether a site is there: gaps, epochs and pace, from its own releases."""

from segwatch.federation.presence import FEWEST_GAPS, Presence
from tests.support.releases import heartbeat, portrait, pulse

GOOD = (0, 2, 5, 30, 60, 2, 1)


def taken(*records: object) -> Presence:
    presence = Presence()
    for record in records:
        presence.take(record)  # type: ignore[arg-type]  # one of the three kinds
    return presence


def test_a_block_that_did_not_come_is_missing_until_it_comes() -> None:
    presence = taken(pulse(0), pulse(3), portrait(1, GOOD))
    assert (presence.missing("pulse"), presence.missing("portrait")) == (2, 1)
    presence.take(pulse(2))
    presence.take(pulse(1))
    assert presence.missing("pulse") == 0


def test_numbers_begin_anew_with_each_epoch() -> None:
    presence = taken(pulse(0), pulse(1), pulse(2, epoch=2))
    assert (presence.epoch, presence.missing("pulse")) == (2, 2)


def test_the_pace_is_counted_in_heartbeats_and_by_no_clock() -> None:
    presence = Presence()
    for number in range(FEWEST_GAPS + 1):
        assert presence.pace_seconds() is None
        presence.take(pulse(number))
        for beat in range(4):
            presence.take(heartbeat(10 * number + beat))
    assert presence.pace_seconds() == 4 * 300
    assert presence.without_pulse_seconds == 4 * 300


def test_while_a_site_is_silent_no_time_passes_and_before_its_first_pulse_there_is_no_pace() -> None:
    presence = taken(heartbeat(0), heartbeat(1), heartbeat(9_000))
    assert presence.without_pulse_seconds == 900
    assert presence.pace_seconds() is None
