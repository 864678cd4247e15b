"""Each expected site is accounted for: whether it has a topic, and when it was heard by the centre's clock.

What the topics hold is the fleet's (`fleet`); here is what no topic says: which sites are awaited, and when
a record came. A restart forgets arrivals, and Prometheus remembers them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

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
}


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of a site beside its releases.

    Attributes:
        topic: whether its topic is there.
        arrived_at: when its last heartbeat came, as a Unix time of the centre's clock; None where unknown.
        lateness: seconds between that heartbeat's slot and its arrival.
    """

    topic: bool
    arrived_at: float | None = None
    lateness: float | None = None


class AccountCollector(Collector):
    """Reads the accounts at each scrape."""

    def __init__(self, accounts: Callable[[], Mapping[str, Account]]) -> None:
        self._accounts = accounts

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
                "topic": float(account.topic),
                "last_arrival_timestamp_seconds": account.arrived_at,
                "heartbeat_lateness_seconds": account.lateness,
            }
            for metric, value in figures.items():
                if value is not None:
                    gauges[metric].add_metric([name], value)
        yield from gauges.values()
