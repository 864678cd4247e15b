"""Federation lives through every record of a site's release topic, and a restart shows the same."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from segwatch.contracts.envelope import Event
from segwatch.contracts.release import SiteRelease
from segwatch.contracts.topics import RELEASE, at_the_centre
from segwatch.errors import InvalidMessage
from segwatch.streaming.log import Outgoing, Position, Record
from services.federation.handler import Federation
from services.federation.metrics import FleetCollector
from services.federation.reading import ReleaseReader
from tests.integration.fuzz.looked_at import EXAMPLES, MOST_MORE_BYTES, looked_at, peak
from tests.support.fuzz import records
from tests.support.memory_log import MemoryLog
from tests.support.messages import NOW
from tests.support.releases import at_centre, heartbeat, portrait, pulse

pytestmark = [pytest.mark.slow, pytest.mark.timeout(0 if EXAMPLES else 300)]
BATCH = 25
FUZZED, OTHER = "hospital-a", "hospital-b"
GOOD = (pulse(0), pulse(1), portrait(0, (0, 2, 5, 30, 60, 2, 1)), heartbeat(5), heartbeat(6))


def event_of(release: SiteRelease) -> Event[SiteRelease]:
    return Event(id="0" * 32, type=RELEASE, key=release.name, source="/aggregation", time=NOW, data=release)


def moved(record: Outgoing) -> Outgoing:
    """As it lies at the centre."""
    return Outgoing(at_the_centre(FUZZED), record.key, record.value, record.headers)


BATCHES = st.lists(
    st.one_of([records(RELEASE, event_of(SiteRelease(each))).map(moved) for each in GOOD]),
    min_size=BATCH,
    max_size=BATCH,
)


def is_readable(record: Outgoing) -> bool:
    lying = Record(Position(record.topic, 0, 0), record.key, record.value, record.headers, 0)
    try:
        ReleaseReader().read(lying)
    except InvalidMessage:
        return False
    return True


def at_its_end(log: MemoryLog) -> Federation:
    """A process that has read all there is."""
    service = Federation(log, (), 3)  # type: ignore[arg-type]  # it needs no consumers
    return read_on(service, log)


def read_on(service: Federation, log: MemoryLog) -> Federation:
    for _ in range(max(map(len, log.records.values())) // 3 + 2):
        service.step(0)
    assert service.caught_up
    return service


def shown(service: Federation) -> bytes:
    """The page that Prometheus scrapes."""
    registry = CollectorRegistry()
    registry.register(FleetCollector(service.sites))
    return generate_latest(registry)


def test_federation_lives_through_every_record_and_a_restart_shows_the_same() -> None:
    before, seen = peak(), Counter[str]()

    @looked_at(40)
    @given(batch=BATCHES)
    def look(batch: Sequence[Outgoing]) -> None:
        log = MemoryLog()
        log.append(at_centre(FUZZED, pulse(9)))
        for each in GOOD:
            log.append(at_centre(OTHER, each))
        service = at_its_end(log)
        undisturbed = service.sites()[OTHER]
        for record in [*batch, at_centre(FUZZED, pulse(10))]:
            log.append(record)
        site = read_on(service, log).sites()[FUZZED]
        assert site.refused == sum(not is_readable(record) for record in batch)
        assert site.pulses >= 2, "after all that, a good pulse still counts"
        assert service.sites()[OTHER] == undisturbed, "and nothing of it is another hospital's"
        again = at_its_end(log)
        assert again.sites() == service.sites()
        assert shown(again) == shown(service)
        seen.update(refused=site.refused, taken=BATCH - site.refused)

    look()
    print(seen)
    assert seen["refused"] > 3 * BATCH, "the fuzz is not tame"
    assert seen["taken"] > 3 * BATCH, "and not so wild that nothing is a release"
    assert peak() - before < MOST_MORE_BYTES
