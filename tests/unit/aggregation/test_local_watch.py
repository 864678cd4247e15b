"""The hospital's own detector: what it says does not depend on who was running when, and nothing leaves."""

from typing import Any

from segwatch.aggregation.aggregation import Aggregation
from segwatch.aggregation.local_watch import LocalChange, LocalWatch
from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.decisions import SiteDecision
from segwatch.contracts.release import Pulse
from segwatch.contracts.studies import StudyScored
from segwatch.contracts.topics import SCORED
from segwatch.streaming.decisions import decision_record
from tests.support.messages import NOW
from tests.support.site_world import World, record_of, scored

UNDEFINED: dict[str, Any] = {
    "status": "undefined",
    "bins": None,
    "predicted_dice": None,
    "interval": None,
    "failure_probability": None,
    "predicted_failed": True,
    "needs_attention": True,
}
OTHER = ModelIdentity(name="other", sha256="cd" + "0" * 62)


def _studies(good: int, bad: int) -> list[StudyScored]:
    """Every sixth of the first fails, then all."""
    first = [scored(number, **(UNDEFINED if number % 6 == 0 else {})) for number in range(good)]
    return first + [scored(good + number, **UNDEFINED) for number in range(bad)]


def _decision(world: World, kind: str, scored_to: int | None = None) -> None:
    end = len(world.log.records[SCORED])
    decision = {
        "decision": kind,
        "site": "hospital-a",
        "reason": "looked",
        "who": "a@b",
        "at": NOW,
        "scored_to": end if scored_to is None else scored_to,
    }
    world.log.append(decision_record(SiteDecision.model_validate(decision)))


def _change(service: Aggregation) -> LocalChange:
    assert service.change is not None
    return service.change


def _fresh(world: World) -> LocalChange:
    """What a process says that starts now."""
    service = world.run(world.service())
    change = _change(service)
    service.close()
    return change


def test_a_hospital_that_fails_is_found_within_the_open_pulse_and_by_every_process_alike() -> None:
    world = World()
    service = world.service()
    alarms = []
    for study in _studies(200, 45):
        world.log.append(record_of(study))
        world.run(service) if len(alarms) in (0, 210, 244) else service.step(0)
        alarms.append(_change(service).alarm)
    first = alarms.index(True)

    assert 205 <= first <= 230
    assert all(alarms[first:])
    change = _change(service)
    assert change == _fresh(world)
    assert 40 <= change.studies_since <= 48
    assert change.low <= change.pulse <= change.high == 10
    assert change.before < 0.3 < change.since


def test_a_decision_in_the_middle_of_a_pulse_holds_when_the_pulse_has_closed_and_after_a_restart() -> None:
    world = World()
    world.add(_studies(200, 32))
    service = world.run(world.service())
    assert _change(service).alarm
    _decision(world, "acknowledge")
    world.run(service)
    assert not _change(service).alarm
    open_pulse = _change(service)
    assert _fresh(world) == open_pulse

    world.add([scored(1000 + number) for number in range(20)])
    world.run(service)
    assert not _change(service).alarm
    assert _fresh(world) == _change(service)
    (block,) = (each for each in world.blocks() if each.watched and each.watched.decisions)
    assert block.watched is not None
    assert block.watched.decisions == ((12, "acknowledge"),)


def test_what_goes_on_failing_behind_an_acknowledgement_rings_again_and_another_baseline_does_not() -> None:
    rings = {}
    for kind in ("acknowledge", "rebaseline"):
        world = World()
        world.add(_studies(200, 32))
        service = world.run(world.service())
        _decision(world, kind)
        world.run(service)
        world.add([scored(2000 + number, **UNDEFINED) for number in range(60)])
        rings[kind] = _change(world.run(service)).alarm
    assert rings == {"acknowledge": True, "rebaseline": False}


def test_a_decision_that_is_written_twice_counts_once() -> None:
    world = World()
    world.add(_studies(200, 32))
    for _ in range(2):
        _decision(world, "acknowledge", scored_to=210)
    once = _fresh(world)
    again = World()
    again.add(_studies(200, 32))
    _decision(again, "acknowledge", scored_to=210)
    assert once == _fresh(again)


def _counters(world: World) -> list[int | None]:
    return [block.figures.changes for block in world.blocks() if isinstance(block.figures, Pulse)]


def test_a_new_scorer_counts_in_the_pulse_in_which_it_came_and_going_back_does_not() -> None:
    world = World()
    scorers = [{}, {}, {"scorer": OTHER}, {"scorer": OTHER}, {}, {"scorer": OTHER}]
    world.add([scored(number, **scorers[number // 20]) for number in range(120)])
    world.run(world.service())

    assert _counters(world) == [0, 0, 1, 1, 1, 1]


def test_two_models_side_by_side_are_no_change_and_neither_is_a_trial_on_one_study() -> None:
    world = World()
    both = [scored(number, **({"model": OTHER} if number % 2 else {})) for number in range(80)]
    world.add([*both, scored(99, model=ModelIdentity(name="trial", sha256="ef" + "0" * 62))])
    world.add([scored(100 + number) for number in range(39)])
    world.run(world.service())

    assert _counters(world) == [0] * 6


def test_an_announced_change_begins_a_baseline_and_leaves_as_a_bare_number() -> None:
    world = World()
    world.add(_studies(200, 0))
    service = world.run(world.service())
    _decision(world, "announce")
    world.run(service)
    world.add([scored(3000 + number, **UNDEFINED) for number in range(60)])

    assert not _change(world.run(service)).alarm
    assert _fresh(world) == _change(service)
    assert _counters(world) == [0] * 10 + [1] * 3


def test_the_failure_ratio_speaks_where_the_scorer_gives_one() -> None:
    world = World()
    world.add([scored(number, failure_ratio=0.1 if number % 5 else 3.0) for number in range(200)])
    world.add([scored(200 + number, failure_ratio=2.123456) for number in range(60)])
    service = world.run(world.service())

    assert _change(service).alarm
    last = [block for block in world.blocks() if block.watched][-1]
    assert last.watched is not None
    assert set(last.watched.ratios) == {2.123}


def test_pulses_from_before_there_was_a_detector_are_taken_by_their_noised_counts() -> None:
    world = World()
    world.add(_studies(200, 60))
    world.run(world.service())
    pulses = [block for block in world.blocks() if block.figures.kind == "pulse"]
    old = LocalWatch()
    for block in pulses[:10]:
        old.follow(block.model_copy(update={"watched": None}))
    assert (before := old.look((), 20)) is not None
    assert not before.alarm
    for block in pulses[10:]:
        old.follow(block)

    assert (after := old.look((), 20)) is not None
    assert after.alarm
    assert after.pulse in (9, 10)


def test_a_pulse_from_before_there_was_a_counter_is_written_byte_by_byte_as_it_was() -> None:
    old = (
        b'{"epoch":1,"number":0,"policy_version":"1","closed":"2026-11-23","model":null,"scorer":null,'
        b'"kind":"pulse","k":20,"epsilon":1.0,"needs_attention":-1}'
    )
    assert Pulse.model_validate_json(old).model_dump_json().encode() == old
