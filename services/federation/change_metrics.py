"""What the detector says of each site, for Prometheus: evidence, the alarm that stands, and since when."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from segwatch.detection.dispersion import Spread
from segwatch.federation.watched_site import NOBODY, Change, changed_sites

PREFIX = "segwatch_change"
MOST_LOG10 = 300.0
"""Beyond it a float overflows; evidence of that size is shown as this."""

_ALWAYS: Mapping[str, str] = {
    "evidence": "Evidence that a change for the worse has begun: grows by one a pulse while nothing changes.",
    "threshold": "The alarm rings where the evidence reaches it.",
    "alarm": "Whether an alarm stands, which it does until somebody decides.",
    "together": "Whether the site is found to have changed, alone or judged together with others.",
    "baseline_ratio": "Share that needs attention as the baseline in force has it.",
    "baseline_pulse": "Number of the baseline's first pulse: moves where a change was announced or decided.",
    "pulses_a_month": "Pulses that the site closes a month; absent while it is not known.",
}
_FOUND: Mapping[str, str] = {
    "alarm_pulse": "Number of the pulse at which the alarm that stands rang.",
    "start_pulse": "Number of the pulse with which the change began: the median.",
    "start_pulse_low": "Lower end of its 90 % interval.",
    "start_pulse_high": "Upper end of its 90 % interval.",
    "start_timestamp_seconds": "Coarse date of the pulse with which the change began, as a Unix time.",
    "start_timestamp_seconds_low": "The same at the lower end of the 90 % interval.",
    "start_timestamp_seconds_high": "The same at the upper end of the 90 % interval.",
    "before_ratio": "Share that needed attention before the change.",
    "since_ratio": "Share that needs attention since the change.",
    "studies_since": "Studies in pulses since the change began.",
}
"""Shown of a site that is found: of one where nothing changed there is no beginning."""


class ChangeCollector(Collector):
    """Reads the detector's state at each scrape, so that a restart shows the same figures again."""

    def __init__(
        self,
        changes: Callable[[], Mapping[str, Change]],
        spread: Callable[[], Spread],
        others: Callable[[], Mapping[str, float]] = lambda: NOBODY,
    ) -> None:
        self._changes = changes
        self._others = others
        self._spread = spread

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked at registration: the state may still be in the making."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Every site's figures, and the fleet's dispersion."""
        gauges = {name: _gauge(name, text, ["site"]) for name, text in {**_ALWAYS, **_FOUND}.items()}
        changes = self._changes()
        found = changed_sites(changes, self._others())
        for name, change in sorted(changes.items()):
            for metric, value in figures_of(change, found=name in found).items():
                gauges[metric].add_metric([name], value)
        yield from gauges.values()
        spread = self._spread()
        pairs = _gauge("dispersion_pairs", "Pairs of sums of five pulses that the dispersion is from.", [])
        pairs.add_metric([], spread.pairs)
        yield pairs
        dispersion = _gauge("dispersion", "By how much the fleet's counts vary more than the model says.", [])
        if spread.dispersion is not None:
            dispersion.add_metric([], spread.dispersion)
        yield dispersion


def figures_of(change: Change, *, found: bool) -> dict[str, float]:
    """A site's figures by metric; what is not known is left out."""
    figures: dict[str, float] = {
        "evidence": 10 ** min(change.log10_evidence, MOST_LOG10),
        "threshold": 10 ** min(change.log10_threshold, MOST_LOG10),
        "alarm": float(change.alarm is not None),
        "together": float(found),
        "baseline_ratio": change.baseline,
        "baseline_pulse": change.baseline_from.number,
    }
    if change.pulses_a_month is not None:
        figures["pulses_a_month"] = change.pulses_a_month
    if change.alarm is not None:
        figures["alarm_pulse"] = change.alarm.number
    if found:
        figures |= _beginning(change)
    return figures


def _beginning(change: Change) -> dict[str, float]:
    figures: dict[str, float] = {
        "before_ratio": change.before,
        "since_ratio": change.since,
        "studies_since": change.studies_since,
    }
    for end, begun in zip(("", "_low", "_high"), change.begun, strict=True):
        figures[f"start_pulse{end}"] = begun.name.number
        figures[f"start_timestamp_seconds{end}"] = _seconds(begun.closed)
    return figures


def _seconds(day: date) -> float:
    return datetime.combine(day, time.min, tzinfo=UTC).timestamp()


def _gauge(name: str, text: str, labels: list[str]) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=labels)
