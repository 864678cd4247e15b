"""Real federation processes share the sites out over a real broker: 2 and 4 show what one shows; one dies."""

import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.kafka.broker import Broker
from deploy.local.machine.supervisor import running
from deploy.local.machine.waiting import comes_true
from deploy.local.stack.service import Service
from segwatch.contracts.topics import at_the_centre
from segwatch.streaming.topics import make_centre_topics
from tests.support.releases import at_centre, heartbeat, portrait, pulse

pytestmark = pytest.mark.broker

SITES = [f"hospital-{number:02d}" for number in range(16)]
WORSE = SITES[:5]
"""None is found alone; together they are."""
PATIENCE_SECONDS = 120.0
OF_A_MEMBER = ("_last_arrival_", "_taken_over_", "_lateness_")
"""What only who has the site can say, and says of the time since it has it."""

Shown = dict[tuple[str, ...], float]


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A centre of its own: each of its topics is a site's."""
    with Broker(tmp_path_factory.mktemp("centre")) as broker, broker.log_address.open() as log:
        make_centre_topics(log, SITES)
        with log.producer() as producer:
            for site in SITES:
                counts = [4] * 37 + [8 if site in WORSE else 4] * 3
                producer.send([at_centre(site, pulse(number, count)) for number, count in enumerate(counts)])
                producer.send([at_centre(site, portrait(0, (0, 2, 5, 30, 60, 2, 1)))])
                producer.send([at_centre(site, heartbeat(number)) for number in range(40)])
        yield broker


@contextmanager
def members(broker: Broker, folder: Path, number: int, *, shared: bool) -> Iterator[list[Service]]:
    """So many federation processes, ready."""
    settings = {"SHARE_SITES": "true"} if shared else {}
    services = [
        Service("central", "federation", broker.log_address, settings, folder / str(each))
        for each in range(number)
    ]
    with running(*services):
        yield services


def samples(service: Service) -> Shown:
    """A member's figures of sites."""
    with urllib.request.urlopen(f"http://{service.address}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    return {
        (sample.name, sample.labels["site"], sample.labels.get("bin", "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "site" in sample.labels and not any(part in sample.name for part in OF_A_MEMBER)
    }


def shown(services: Sequence[Service]) -> tuple[Shown, Counter[str]]:
    """All members' figures, and how many members show each site."""
    figures: Shown = {}
    times: Counter[str] = Counter()
    for service in services:
        mine = samples(service)
        figures |= mine
        times.update(site for name, site, _ in mine if name == "segwatch_federation_pulses")
    return figures, times


def each_once(services: Sequence[Service], alone: Shown) -> bool:
    figures, times = shown(services)
    return figures == alone and times == dict.fromkeys(SITES, 1)


@pytest.fixture(scope="module")
def alone(centre: Broker, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """What one federation shows that shares nothing."""
    with members(centre, tmp_path_factory.mktemp("alone"), 1, shared=False) as services:
        figures, _ = shown(services)
    found = {
        site for (name, site, _), value in figures.items() if name == "segwatch_change_together" and value
    }
    assert found == {*WORSE}
    assert not any(value for (name, *_), value in figures.items() if name == "segwatch_change_alarm")
    return figures


@pytest.mark.parametrize("number", [2, 4])
def test_members_show_what_one_shows_and_each_site_once_also_when_one_is_killed(
    centre: Broker, alone: Shown, tmp_path: Path, number: int
) -> None:
    with members(centre, tmp_path, number, shared=True) as services:
        assert comes_true(lambda: each_once(services, alone), PATIENCE_SECONDS)
        parts = [shown([service])[1].total() for service in services]
        assert parts == [len(SITES) // number] * number

        dead = services.pop()
        its = set(shown([dead])[1])
        dead.kill()
        began = time.monotonic()
        withdrawn: list[Shown] = []

        def taken_over() -> bool:
            figures, times = shown(services)
            assert not times or max(times.values()) == 1
            withdrawn.append({key: value for key, value in figures.items() if value != alone.get(key)})
            return set(times) == set(SITES)

        assert comes_true(taken_over, PATIENCE_SECONDS, 0.5)
        print(f"{len(its)} sites of {number} members were taken over in {time.monotonic() - began:.0f} s")
        assert not any(withdrawn), "a figure was another while sites changed hands"
        assert each_once(services, alone)


def test_a_site_that_joins_is_one_members(centre: Broker, tmp_path: Path) -> None:
    with members(centre, tmp_path, 2, shared=True) as services, centre.log_address.open() as log:
        assert comes_true(lambda: shown(services)[1] == dict.fromkeys(SITES, 1), PATIENCE_SECONDS)
        make_centre_topics(log, ["hospital-new"])
        with log.producer() as producer:
            producer.send([at_centre("hospital-new", pulse(0))])
        assert at_the_centre("hospital-new") in log.topics()
        wanted = dict.fromkeys([*SITES, "hospital-new"], 1)
        assert comes_true(lambda: shown(services)[1] == wanted, PATIENCE_SECONDS)
