"""What the hospital's own detector says, for its own Prometheus. Nothing here leaves."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, time

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from segwatch.aggregation.local_watch import LocalChange

PREFIX = "segwatch_local_change"
MOST_LOG10 = 300.0
"""Beyond it a float overflows; evidence of that size is shown as this."""
_GAUGES: Mapping[str, str] = {
    "evidence": "Evidence that a change for the worse has begun: grows by one a study while nothing changes.",
    "threshold": "The alarm rings where the evidence reaches it.",
    "alarm": "Whether an alarm stands, which it does until somebody decides.",
    "start_pulse": "Number of the pulse with which the change began: the median. Only while an alarm stands.",
    "start_pulse_low": "Lower end of its 90 % interval.",
    "start_pulse_high": "Upper end of its 90 % interval.",
    "start_timestamp_seconds": "Coarse date of that pulse, as a Unix time; absent for the open pulse.",
    "start_timestamp_seconds_low": "The same at the lower end of the 90 % interval.",
    "start_timestamp_seconds_high": "The same at the upper end of the 90 % interval.",
    "before_ratio": "Share of studies that failed before the change.",
    "since_ratio": "Share of studies that fail since the change.",
    "studies_since": "Studies since the change began.",
}


class LocalChangeCollector(Collector):
    """Reads the detector's state at each scrape, so that a restart shows the same figures again."""

    def __init__(self, change: Callable[[], LocalChange | None]) -> None:
        self._change = change

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked at registration: the state may still be in the making."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The figures; what is not known has no sample."""
        change = self._change()
        figures = {} if change is None else figures_of(change)
        for name, text in _GAUGES.items():
            gauge = GaugeMetricFamily(f"{PREFIX}_{name}", text)
            if name in figures:
                gauge.add_metric([], figures[name])
            yield gauge


def figures_of(change: LocalChange) -> dict[str, float]:
    """The figures by metric; what is not known is left out."""
    figures = {
        "evidence": 10 ** min(change.log10_evidence, MOST_LOG10),
        "threshold": 10**change.log10_threshold,
        "alarm": float(change.alarm),
    }
    if not change.alarm:
        return figures
    ends = {"": change.began, "_low": change.began_low, "_high": change.began_high}
    for end, day in ends.items():
        if day is not None:
            began = datetime.combine(day, time.min, tzinfo=UTC)
            figures[f"start_timestamp_seconds{end}"] = began.timestamp()
    return figures | {
        "start_pulse": change.pulse,
        "start_pulse_low": change.low,
        "start_pulse_high": change.high,
        "before_ratio": change.before,
        "since_ratio": change.since,
        "studies_since": change.studies_since,
    }
