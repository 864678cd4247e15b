"""Several members share the sites out: together they show what one shows, and a site is never half shown."""

from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from segwatch.contracts.topics import DECISIONS, EXCESS, at_the_centre
from segwatch.errors import LogUnavailable, TopicRemade
from segwatch.streaming.log import Outgoing
from services.federation.accounting import AccountCollector
from services.federation.change_metrics import ChangeCollector
from services.federation.handler import LOOK_SECONDS, Federation
from services.federation.metrics import FleetCollector
from services.federation.sharing import Sharing
from tests.support.memory_log import MemoryLog
from tests.support.releases import at_centre, heartbeat, portrait, pulse

SITES = [f"hospital-{number:02d}" for number in range(24)]
WORSE = SITES[3:9]
"""None is found alone, nor three together; six are."""
ONE, OTHER = SITES[0], SITES[1]
Shown = dict[tuple[str, str], float]


class _Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def centre() -> MemoryLog:
    """What 24 hospitals released, of which six have become a little worse."""
    log = MemoryLog()
    log.records[EXCESS], log.records[DECISIONS] = [], []
    for site in SITES:
        for number in range(40):
            log.append(at_centre(site, pulse(number, 4 if site not in WORSE or number < 37 else 8)))
            log.append(at_centre(site, heartbeat(number)))
        log.append(at_centre(site, portrait(0, (0, 2, 5, 30, 60, 2, 1))))
    return log


def _member(log: MemoryLog, clock: _Clock | None = None, *, shared: bool = True) -> Federation:
    at = clock or _Clock()
    return Federation(log, (), 3, at, at, sharing=Sharing(log) if shared else None)  # type: ignore[arg-type]


def _run(*members: Federation, times: int = 80) -> None:
    for _ in range(times):
        for member in members:
            member.step(0)


def _samples(member: Federation) -> Iterator[tuple[str, str, float]]:
    registry = CollectorRegistry()
    registry.register(FleetCollector(member.sites))
    registry.register(ChangeCollector(member.changes, member.spread, member.others))
    for family in registry.collect():
        for sample in family.samples:
            if site := sample.labels.get("site"):
                yield f"{sample.name}{sample.labels.get('bin', '')}", site, sample.value


def _shown(*members: Federation) -> Shown:
    """Every member's figures by name and site; one that two members show is an error."""
    shown: Shown = {}
    for member in members:
        mine = {(name, site): value for name, site, value in _samples(member)}
        assert not shown.keys() & mine.keys()
        shown |= mine
    return shown


@pytest.fixture
def alone(centre: MemoryLog) -> Shown:
    """What one federation shows that shares nothing."""
    member = _member(centre, shared=False)
    _run(member)
    shown = _shown(member)
    assert {site for (name, site), value in shown.items() if name.endswith("together") and value} == {*WORSE}
    assert not any(value for (name, _), value in shown.items() if name == "segwatch_change_alarm")
    return shown


@pytest.mark.parametrize("number", [1, 2, 4])
def test_members_show_together_exactly_what_one_shows(centre: MemoryLog, alone: Shown, number: int) -> None:
    members = [_member(centre) for _ in range(number)]
    _run(*members)
    assert all(member.caught_up for member in members)
    assert [len(member.sites()) for member in members] == [len(SITES) // number] * number
    assert _shown(*members) == alone


def test_where_a_member_ends_the_others_take_its_sites_over(centre: MemoryLog, alone: Shown) -> None:
    members = [_member(centre) for _ in range(4)]
    _run(*members)
    members.pop(1).close()
    _run(*members)
    assert _shown(*members) == alone
    assert all(member.sites() for member in members)


def test_a_member_more_takes_its_part_and_no_site_is_shown_twice(centre: MemoryLog, alone: Shown) -> None:
    members = [_member(centre)]
    _run(*members)
    members += [_member(centre), _member(centre)]
    _run(*members)
    assert _shown(*members) == alone
    assert [len(member.sites()) for member in members] == [8, 8, 8]


def test_a_site_that_is_taken_over_is_shown_when_it_was_read_to_its_end(centre: MemoryLog) -> None:
    one, other = _member(centre), _member(centre)
    _run(one, other)
    other.close()
    taken = set[int]()
    for _ in range(80):
        one.step(0)
        sites = one.sites()
        assert {site.pulses for site in sites.values()} == {40}
        taken.add(len(sites))
    assert taken == {12, 24}


def test_what_was_told_is_told_once(centre: MemoryLog) -> None:
    members = [_member(centre), _member(centre)]
    _run(*members)
    told = len(centre.records[EXCESS])
    assert told == len(SITES)
    _run(*members)
    assert len(centre.records[EXCESS]) == told
    centre.append(at_centre(ONE, pulse(40, 4)))
    _run(*members)
    assert [record.key for record in centre.records[EXCESS][told:]] == [ONE.encode()]


def test_what_was_told_of_a_site_that_has_no_pulse_any_more_is_taken_back(centre: MemoryLog) -> None:
    clock = _Clock()
    members = [_member(centre, clock), _member(centre, clock)]
    _run(*members)
    centre.remove(at_the_centre(ONE))
    centre.append(at_centre(ONE, heartbeat(1)))
    with pytest.raises(TopicRemade):
        _run(*members)
    clock.seconds += LOOK_SECONDS
    _run(*members, times=160)
    last = {record.key: record.value for record in centre.records[EXCESS]}
    assert last[ONE.encode()] is None
    assert all(value is not None for key, value in last.items() if key != ONE.encode())


def test_an_excess_that_cannot_be_read_changes_nothing(centre: MemoryLog, alone: Shown) -> None:
    centre.append(Outgoing(EXCESS, ONE.encode(), b"poison"))
    members = [_member(centre), _member(centre)]
    _run(*members)
    assert _shown(*members) == alone


def test_after_a_fault_a_member_shows_nothing_until_it_has_read_all_again(centre: MemoryLog) -> None:
    member = _member(centre)
    _run(member)
    centre.fault = lambda moment: moment == "read"
    with pytest.raises(LogUnavailable):
        member.step(0)
    centre.fault = lambda _moment: False
    assert not member.sites()
    assert not member.others()
    assert not centre.sharing
    _run(member)
    assert len(member.sites()) == len(SITES)


def test_every_member_awaits_every_site_and_only_who_has_it_says_when_it_was_heard(centre: MemoryLog) -> None:
    clock = _Clock()
    clock.seconds = 1000.0
    members = [_member(centre, clock), _member(centre, clock)]
    _run(*members)
    clock.seconds += 1
    for site in (ONE, OTHER):
        centre.append(at_centre(site, heartbeat(50)))
    _run(*members)

    def value(member: Federation, name: str, site: str) -> float | None:
        registry = CollectorRegistry()
        registry.register(AccountCollector(member.accounts, member.listening_since))
        return registry.get_sample_value(f"segwatch_federation_{name}", {"site": site})

    assert [value(member, "expected", ONE) for member in members] == [1, 1]
    assert [value(member, "topic", ONE) for member in members] == [1, 1]
    assert [value(member, "last_arrival_timestamp_seconds", ONE) for member in members] == [1001, None]
    assert [value(member, "taken_over_timestamp_seconds", OTHER) for member in members] == [None, 1000]
    members.pop(0).close()
    _run(*members)
    assert value(members[0], "last_arrival_timestamp_seconds", ONE) is None
    assert value(members[0], "taken_over_timestamp_seconds", ONE) == 1001
