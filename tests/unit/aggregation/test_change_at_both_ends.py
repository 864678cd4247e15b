"""A change from its first study to the last decision: hospital, release path, and centre."""

from segwatch.aggregation.aggregation import Aggregation
from segwatch.contracts.decisions import SiteDecision
from segwatch.contracts.topics import RELEASE, SCORED, at_the_centre
from segwatch.streaming.decisions import decision_record
from segwatch.streaming.log import Outgoing
from services.federation.handler import Federation
from tests.support.memory_log import MemoryLog
from tests.support.messages import NOW
from tests.support.site_world import World, record_of, scored

FAILS = {"predicted_failed": True, "needs_attention": True, "failure_probability": 0.9}
CHANGE = 400


def _fails(number: int) -> bool:
    """A tenth of the studies before the change, four of five since."""
    return number % 10 == 3 if number < CHANGE else number % 5 != 0


def _bridge(world: World, centre: MemoryLog, copied: int) -> int:
    """What MirrorMaker does: the release topic's new records lie at the centre under the site's name."""
    records = world.log.records[RELEASE]
    for record in records[copied:]:
        centre.append(
            Outgoing(
                at_the_centre("hospital-a"), record.key, record.value, record.headers, record.timestamp_ms
            )
        )
    return len(records)


def _decided(kind: str, **place: int) -> Outgoing:
    decision = {"decision": kind, "site": "hospital-a", "reason": "a new scanner", "who": "a@b", "at": NOW}
    return decision_record(SiteDecision.model_validate({**decision, **place}))


def test_the_hospital_finds_it_first_the_centre_after_and_both_stand_until_they_are_decided() -> None:
    world, centre = World(), MemoryLog()
    service: Aggregation = world.service(seed=1)
    federation = Federation(centre, ("hospital-a",), 3)  # type: ignore[arg-type]  # no consumers
    local = central = None
    copied = 0
    for number in range(CHANGE + 100):
        world.log.append(record_of(scored(number, **(FAILS if _fails(number) else {}))))
        for _ in range(3):
            service.step(0)
        copied = _bridge(world, centre, copied)
        federation._look_at = 0.0
        federation.step(0)
        assert service.change is not None
        local = number if local is None and service.change.alarm else local
        change = federation.changes().get("hospital-a")
        central = number if central is None and change is not None and change.alarm else central
    assert local is not None
    assert central is not None
    assert CHANGE < local < central < CHANGE + 100

    last = federation.changes()["hospital-a"]
    assert last.alarm is not None
    assert last.begun[1].name.number <= CHANGE // 20 <= last.begun[2].name.number
    world.log.append(_decided("rebaseline", scored_to=len(world.log.records[SCORED])))
    centre.append(_decided("rebaseline", epoch=1, pulse=CHANGE // 20 + 4))
    for _ in range(5):
        service.step(0)
        federation._look_at = 0.0
        federation.step(0)
    assert not service.change.alarm
    assert federation.changes()["hospital-a"].alarm is None
