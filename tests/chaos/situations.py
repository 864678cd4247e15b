"""What happens at the centre, one thing after the other, and what a person should be told of it: a table."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tests.chaos.centre import Centre
from tests.chaos.hospitals import USUAL, WORSE, Hospitals

SITES = ("hospital-a", "hospital-b", "hospital-c", "hospital-d", "hospital-e")
FAILING, SILENT, LATER = "hospital-b", "hospital-c", "hospital-d"


class Post(NamedTuple):
    """One alert of one post."""

    status: str
    alert: str
    site: str | None = None


@dataclass(frozen=True)
class Situation:
    """Attributes:
    name: what happens, in words.
    happens: makes it happen; each yield is how many times `--away` it is waited.
    posts: what must be posted, and nothing else.
    """

    name: str
    happens: Callable[[Centre, Hospitals], Iterator[float]]
    posts: tuple[Post, ...] = ()


def _well(_: Centre, hospitals: Hospitals) -> Iterator[float]:
    for site in SITES:
        hospitals.release(site, 50, USUAL)
    yield 1


def _change_and_silence(_: Centre, hospitals: Hospitals) -> Iterator[float]:
    hospitals.release(FAILING, 25, WORSE)
    hospitals.alive.discard(SILENT)
    yield 1


def _federation_away(centre: Centre, hospitals: Hospitals) -> Iterator[float]:
    centre.federation.stop()
    hospitals.alive.discard(LATER)
    yield 1
    centre.federation.launch()
    centre.federation.wait()


def _kafka_away(centre: Centre, _: Hospitals) -> Iterator[float]:
    centre.kafka.kill()
    yield 2
    centre.kafka.launch()
    centre.kafka.wait()


def _prometheus_away(centre: Centre, _: Hospitals) -> Iterator[float]:
    centre.prometheus.stop()
    yield 0.5  # Alertmanager takes an alert for over of which it has not heard for 15 to 20 minutes
    centre.prometheus.launch()
    centre.prometheus.wait()


def _alertmanager_away(centre: Centre, hospitals: Hospitals) -> Iterator[float]:
    centre.alertmanager.kill()
    hospitals.alive.add(SILENT)
    yield 1
    centre.alertmanager.launch()
    centre.alertmanager.wait()


def _prometheus_new(centre: Centre, _: Hospitals) -> Iterator[float]:
    centre.prometheus.stop()
    centre.prometheus.forget()
    centre.prometheus.launch()
    centre.prometheus.wait()
    yield 1


def _federation_starts_anew(centre: Centre, _: Hospitals) -> Iterator[float]:
    centre.federation.stop()
    centre.federation.launch()
    centre.federation.wait()
    yield 1


def _all_silent(_: Centre, hospitals: Hospitals) -> Iterator[float]:
    hospitals.alive.clear()
    yield 1


def _heard_again(_: Centre, hospitals: Hospitals) -> Iterator[float]:
    for site in SITES:
        hospitals.alive.add(site)
        time.sleep(1)
    yield 1


TABLE = (
    Situation("all is well", _well),
    Situation(
        f"{FAILING} gets worse, {SILENT} falls silent",
        _change_and_silence,
        (Post("firing", "SegwatchQualityDrop", FAILING), Post("firing", "SegwatchSiteSilent", SILENT)),
    ),
    Situation(
        f"federation is away, and {LATER} falls silent meanwhile",
        _federation_away,
        (
            Post("firing", "SegwatchFederationDown"),
            Post("resolved", "SegwatchFederationDown"),
            Post("firing", "SegwatchSiteSilent", LATER),
        ),
    ),
    Situation(
        "the centre's Kafka is away",
        _kafka_away,
        (Post("firing", "SegwatchFederationCannotRead"), Post("resolved", "SegwatchFederationCannotRead")),
    ),
    Situation("Prometheus is away", _prometheus_away),
    Situation(
        f"Alertmanager is killed, and {SILENT} is heard again meanwhile",
        _alertmanager_away,
        (Post("resolved", "SegwatchSiteSilent", SILENT),),
    ),
    Situation("Prometheus is new: all that it knew is gone", _prometheus_new),
    Situation("federation is started anew", _federation_starts_anew),
    Situation("nobody is heard", _all_silent, (Post("firing", "SegwatchSitesSilent"),)),
    Situation(
        "all are heard again, one after the other",
        _heard_again,
        (
            Post("resolved", "SegwatchSitesSilent"),
            Post("resolved", "SegwatchSiteSilent", LATER),
        ),
    ),
)


def differences(expected: tuple[Post, ...], seen: list[Post]) -> list[str]:
    """What was not posted, and what should not have been."""
    wanted, had = Counter(expected), Counter(seen)
    missing = [f"not posted: {' '.join(filter(None, post))}" for post in (wanted - had).elements()]
    return missing + [f"posted: {' '.join(filter(None, post))}" for post in (had - wanted).elements()]
