"""A pulse tells how many examinations got no score since the one before: noised, and each once."""

from dataclasses import replace

import pytest

from segwatch.aggregation.mechanism.allowed import lets_out
from segwatch.aggregation.mechanism.policy import differences
from segwatch.aggregation.tools.budget import budget_of
from segwatch.aggregation.tools.explain import explain
from segwatch.aggregation.tools.reports import budget_text
from segwatch.contracts.envelope import decode
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.release import Pulse
from segwatch.contracts.topics import LEDGER, RECEIVED, RELEASE
from segwatch.statistics.laplace import mass_up_to
from segwatch.streaming.deadletters.writing import dead_letter_of_input
from segwatch.streaming.log import Outgoing
from tests.support.leaving import not_leaving
from tests.support.site_world import POLICY, World, scored

TELLING = POLICY.model_copy(update={"version": "demo-telling", "epsilon_unscored": 0.5})
SCALE = 1 / 0.5


@pytest.fixture
def world() -> World:
    """A site whose policy tells how many examinations got no score."""
    return World(TELLING)


def _refuse(world: World, number: int, at: int) -> None:
    """Ingest refuses so many examinations, at a moment of the log."""
    for entry in range(number):
        letter = dead_letter_of_input(
            f"{at}-{entry}", "content", "inbox", RECEIVED, "ingest", "mixed_series", "two in one"
        )
        world.log.append(replace(letter, timestamp_ms=at))


def _pulses(world: World) -> list[Pulse]:
    found = [decode(RELEASE, each.key, each.value, each.headers).data.root for each in world.releases()]
    return [figures for figures in found if isinstance(figures, Pulse)]


def _near(pulse: Pulse, exact: int) -> bool:
    """Within what the noise does in all but one of 10,000 draws."""
    assert pulse.unscored is not None
    reach = 20
    assert mass_up_to(-reach - 1, SCALE) < 5e-5
    return abs(pulse.unscored - exact) <= reach


def test_what_is_refused_is_in_the_next_pulse_and_in_no_other(world: World) -> None:
    service = world.service()
    for number, refused in enumerate((200, 0, 400)):
        _refuse(world, refused, at=1000 * (number + 1))
        world.add([scored(20 * number + place) for place in range(20)])
        world.run(service)
    first, second, third = _pulses(world)
    assert _near(first, 200)
    assert _near(second, 0)
    assert _near(third, 400)
    assert {pulse.epsilon_unscored for pulse in (first, second, third)} == {0.5}


def test_the_number_is_drawn_once_and_a_restart_counts_no_letter_again(world: World) -> None:
    _refuse(world, 300, at=1000)
    world.add([scored(place) for place in range(20)])
    world.run(world.service())
    before = world.log.records[RELEASE][-1].value
    world.add([scored(20 + place) for place in range(20)])
    world.run(world.service())
    assert [_near(pulse, exact) for pulse, exact in zip(_pulses(world), (300, 0), strict=True)] == [
        True,
        True,
    ]
    assert world.log.records[RELEASE][0].value == before


def test_a_second_copy_of_a_letter_is_no_second_examination(world: World) -> None:
    letter = replace(
        dead_letter_of_input("case", "content", "inbox", RECEIVED, "ingest", "mixed_series", "two"),
        timestamp_ms=1000,
    )
    for _ in range(300):
        world.log.append(letter)
    world.add([scored(place) for place in range(20)])
    world.run(world.service())
    assert _near(_pulses(world)[0], 1)


def test_a_policy_that_does_not_want_it_tells_nothing_and_writes_what_it_always_wrote() -> None:
    world = World(POLICY)
    _refuse(world, 300, at=1000)
    world.add([scored(place) for place in range(20)])
    world.run(world.service())
    assert b"unscored" not in (world.log.records[RELEASE][0].value or b"")
    assert "epsilon_unscored" not in POLICY.model_dump_json()
    assert "unscored" not in world.audit_log.read_text()


def test_what_the_policy_does_not_allow_is_not_let_out(world: World) -> None:
    world.add([scored(place) for place in range(20)])
    world.run(world.service())
    (pulse,) = _pulses(world)
    assert lets_out(TELLING, pulse)
    quiet = TELLING.model_copy(update={"epsilon_unscored": None})
    assert not lets_out(quiet, pulse)
    assert not lets_out(TELLING.model_copy(update={"epsilon_unscored": 0.25}), pulse)


def test_a_change_of_policy_begins_with_what_comes_then() -> None:
    world = World(POLICY)
    _refuse(world, 300, at=1000)
    world.add([scored(place) for place in range(100)])
    world.run(world.service())
    world.policy = TELLING
    world.run(world.service())
    _refuse(world, 100, at=2000)
    world.add([scored(100 + place) for place in range(20)])
    world.run(world.service())
    assert _near(_pulses(world)[-1], 100)


def test_a_ledger_that_was_lost_tells_no_letter_twice(world: World) -> None:
    _refuse(world, 300, at=1000)
    world.add([scored(place) for place in range(20)])
    world.run(world.service())
    world.log.remove(LEDGER)
    world.run(world.service())
    for number in (1, 2):
        _refuse(world, 100, at=1000 + number)
        world.add([scored(20 * number + place) for place in range(20)])
        world.run(world.service())
    old, first, second = _pulses(world)
    assert (old.epoch, first.epoch, first.unscored) == (1, 2, None)
    assert _near(second, 100)


def test_a_letter_of_a_clock_that_was_years_ahead_makes_the_next_numbers_unknown_and_not_none(
    world: World,
) -> None:
    service = world.service()
    for number, at in enumerate((4_000_000_000_000, 2000)):  # in the year 2096
        _refuse(world, 100, at=at)
        world.add([scored(20 * number + place) for place in range(20)])
        world.run(service)
    first, second = _pulses(world)
    assert _near(first, 100)
    assert second.unscored is None


def test_nothing_but_the_noised_number_leaves_of_what_was_refused(world: World) -> None:
    _refuse(world, 300, at=1000)
    world.add([scored(place) for place in range(20)])
    world.run(world.service())
    (record,) = world.log.records[RELEASE]
    assert not_leaving(record, "hospital-a") == []
    assert b"mixed_series" not in (record.value or b"")


def test_the_account_names_what_such_an_examination_loses(world: World) -> None:
    _refuse(world, 3, at=1000)
    world.add([scored(place) for place in range(20)])
    world.run(world.service())
    budget = budget_of(world.log.records[LEDGER])
    assert (budget.unscored, budget.worst_study) == (0.5, 1.0)
    assert "Without a score: an examination loses 0.5 at most" in budget_text(budget)
    assert "One examination that got no score: 0.5" in explain(TELLING)
    assert "got no score: " not in explain(SitePolicy(version="test"))


def test_a_change_of_the_policy_names_the_field() -> None:
    assert "epsilon_unscored None -> 0.5" in differences(POLICY, TELLING)


def test_a_record_that_is_no_letter_counts_nothing(world: World) -> None:
    for _ in range(300):
        world.log.append(Outgoing(f"{RECEIVED}.dlq", b"x", b"stranger", timestamp_ms=1000))
    world.add([scored(place) for place in range(20)])
    world.run(world.service())
    assert _near(_pulses(world)[0], 0)
