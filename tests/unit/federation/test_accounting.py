"""Each awaited site is accounted for: its topic, and when it was heard by the centre's clock."""

from segwatch.contracts.topics import at_the_centre
from services.federation.accounting import Account
from services.federation.handler import LOOK_SECONDS, Federation
from tests.support.memory_log import MemoryLog
from tests.support.releases import at_centre, heartbeat, pulse


class _Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def _run(service: Federation, steps: int = 20) -> Federation:
    for _ in range(steps):
        service.step(0)
    return service


def _federation(log: MemoryLog, *expected: str, clock: _Clock, wall: _Clock) -> Federation:
    return Federation(log, expected, 3, clock, wall)  # type: ignore[arg-type]  # no consumers


def test_a_site_without_topic_is_awaited_all_the_same(centre: MemoryLog) -> None:
    centre.append(at_centre("a", pulse(0)))
    accounts = _run(_federation(centre, "a", "b", clock=_Clock(), wall=_Clock())).accounts()
    assert accounts == {"a": Account(topic=True), "b": Account(topic=False)}


def test_before_anybody_could_look_no_topic_is_missing(centre: MemoryLog) -> None:
    service = _federation(centre, "a", clock=_Clock(), wall=_Clock())
    assert service.accounts() == {"a": Account(topic=None)}


def test_only_what_comes_while_it_reads_has_an_arrival_and_the_sites_clock_is_measured_by_it(
    centre: MemoryLog,
) -> None:
    wall = _Clock()
    centre.append(at_centre("a", heartbeat(1)))
    service = _run(_federation(centre, clock=_Clock(), wall=wall))
    assert service.accounts()["a"].arrived_at is None
    wall.seconds = 18_000.0 + 2 * 300
    centre.append(at_centre("a", heartbeat(2)))
    assert _run(service).accounts()["a"] == Account(topic=True, arrived_at=18_600.0, lateness=18_000.0)


def test_nothing_is_shown_before_everything_was_read(centre: MemoryLog) -> None:
    for number in range(9):
        centre.append(at_centre("a", pulse(number)))
    service = _federation(centre, "a", clock=_Clock(), wall=_Clock())
    service.step(0)
    assert service.sites() == {}
    assert _run(service).sites()["a"].pulses == 9


def test_a_topic_that_is_deleted_or_made_again_is_noticed_and_read_from_its_first_record(
    centre: MemoryLog,
) -> None:
    clock = _Clock()
    for number in range(5):
        centre.append(at_centre("a", pulse(number)))
    centre.append(at_centre("b", pulse(0)))
    service = _run(_federation(centre, clock=clock, wall=_Clock()))

    centre.remove(at_the_centre("a"))
    clock.seconds += LOOK_SECONDS
    _run(service)
    assert service.accounts()["a"] == Account(topic=False)
    assert set(service.sites()) == {"b"}

    for number in range(7):
        centre.append(at_centre("a", pulse(number, epoch=2)))
    clock.seconds += LOOK_SECONDS
    _run(service)
    assert service.accounts()["a"].topic
    assert service.sites()["a"].pulses == 7


def test_how_the_log_itself_is_is_looked_at_whenever_sites_are(centre: MemoryLog) -> None:
    clock, looks = _Clock(), list[float]()
    service = Federation(centre, (), 3, clock, look_around=lambda: looks.append(clock.seconds))  # type: ignore[arg-type]  # no consumers
    _run(service)
    clock.seconds = LOOK_SECONDS
    _run(service)
    assert looks == [0.0, LOOK_SECONDS]


def test_a_heartbeat_that_a_bridge_sends_again_is_no_sign_of_life(centre: MemoryLog) -> None:
    wall = _Clock()
    for number in range(2_000):
        centre.append(at_centre("a", heartbeat(number)))
    service = _run(_federation(centre, clock=_Clock(), wall=wall), 2_000)
    wall.seconds = 2_000 * 300.0
    centre.append(at_centre("a", heartbeat(2_000)))
    heard = _run(service).accounts()["a"].arrived_at

    wall.seconds += 3_600
    centre.append(at_centre("a", pulse(0)))
    for number in range(2_000):
        centre.append(at_centre("a", heartbeat(number)))
    site = _run(service, 2_000).sites()["a"]
    assert service.accounts()["a"].arrived_at == heard
    assert (site.last_beat(), site.copies, site.presence.without_pulse_seconds) == (2_000 * 300, 2_000, 0)


def test_a_clock_that_is_set_back_names_slots_again_and_the_site_is_heard_all_the_same(
    centre: MemoryLog,
) -> None:
    wall = _Clock()
    centre.append(at_centre("a", heartbeat(0)))
    service = _run(_federation(centre, clock=_Clock(), wall=wall))
    for number in range(1, 20):
        wall.seconds += 300
        centre.append(at_centre("a", heartbeat(number)))
        _run(service)
    for number in range(5):
        wall.seconds += 300
        centre.append(at_centre("a", heartbeat(number)))
        _run(service)
        assert service.accounts()["a"].arrived_at == wall.seconds
    assert service.accounts()["a"].lateness == wall.seconds - 4 * 300


def test_it_listens_from_when_all_was_read_and_anew_after_each_fault(centre: MemoryLog) -> None:
    clock, wall = _Clock(), _Clock()
    wall.seconds = 500.0
    centre.append(at_centre("a", heartbeat(1)))
    service = _federation(centre, clock=clock, wall=wall)
    assert service.listening_since() is None
    assert _run(service).listening_since() == 500.0
    wall.seconds = 900.0
    assert _run(service).listening_since() == 500.0
    centre.remove(at_the_centre("a"))
    centre.append(at_centre("a", heartbeat(1)))
    clock.seconds += LOOK_SECONDS
    assert _run(service).listening_since() == 900.0
