"""Each expected site is accounted for: whether it has a topic, and when it was heard by the centre's clock.

What the topics hold is the fleet's (`fleet`); here is what no topic says: which sites are awaited, since when
somebody listens, and when a record came. A restart forgets arrivals, and Prometheus remembers them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from segwatch.contracts.release import Heartbeat

PREFIX = "segwatch_federation"

_GAUGES: Mapping[str, str] = {
    "expected": "Always 1, for each site that is awaited.",
    "topic": "Whether the site's release topic is at the centre: 1 or 0.",
    "last_arrival_timestamp_seconds": (
        "When the last heartbeat came, by the centre's clock; only for those that came while this process was"
        " reading."
    ),
    "heartbeat_lateness_seconds": (
        "Between a heartbeat's slot, by the site's clock, and its arrival, by the centre's; negative where"
        " the site's clock is ahead."
    ),
    "taken_over_timestamp_seconds": (
        "Since when this member reads the site's releases as they come, by the centre's clock; only where the"
        " sites are shared out among members."
    ),
}


LISTENING = "listening_since_timestamp_seconds"


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of a site beside its releases.

    Attributes:
        topic: whether its topic is there; None before anybody could look.
        arrived_at: when its heart was last heard, as a Unix time of the centre's clock; None where unknown.
        lateness: seconds between that heartbeat's slot and its arrival.
        taken_over_at: since when its topic is read here as it grows, where members share the sites out.
        record_at: when its last heartbeat came, were it a copy.
    """

    topic: bool | None
    arrived_at: float | None = None
    lateness: float | None = None
    taken_over_at: float | None = None
    record_at: float | None = field(default=None, compare=False)

    def heard(self, heartbeat: Heartbeat, now: float, *, first: bool) -> "Account":
        """A heartbeat has come at `now`.

        A second one of its name is no sign of life: a bridge sends old ones again, all at once. But a clock
        that was set back names slots again that were there, one an interval.

        Args:
            first: whether none of its name came before.
        """
        interval = heartbeat.interval_seconds
        since = None if self.record_at is None else now - self.record_at
        at_its_pace = since is not None and interval / 2 <= since <= 2 * interval
        noted = replace(self, record_at=now)
        if not first and not at_its_pace:
            return noted
        return replace(noted, arrived_at=now, lateness=now - heartbeat.number * interval)


class AccountCollector(Collector):
    """Reads the accounts at each scrape."""

    def __init__(
        self, accounts: Callable[[], Mapping[str, Account]], listening_since: Callable[[], float | None]
    ) -> None:
        self._accounts = accounts
        self._listening_since = listening_since

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked at registration: the state may still be in the making."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Every site's; what is not known is left out."""
        gauges = {
            name: GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=["site"])
            for name, text in _GAUGES.items()
        }
        for name, account in sorted(self._accounts().items()):
            figures = {
                "expected": 1.0,
                "topic": account.topic,
                "last_arrival_timestamp_seconds": account.arrived_at,
                "heartbeat_lateness_seconds": account.lateness,
                "taken_over_timestamp_seconds": account.taken_over_at,
            }
            for metric, value in figures.items():
                if value is not None:
                    gauges[metric].add_metric([name], float(value))
        yield from gauges.values()
        since = self._listening_since()
        if since is not None:
            yield GaugeMetricFamily(
                f"{PREFIX}_{LISTENING}",
                "Since when releases are read as they come, by the centre's clock; absent while not.",
                value=since,
            )
