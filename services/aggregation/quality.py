"""`/quality`: what an integration asks before it shows the model's results to readers; also as a metric."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from segwatch.aggregation.aggregation import Aggregation
from segwatch.aggregation.rolling import STRATA_WINDOW
from segwatch.aggregation.stop_rule import STATES, KnownQuality, QualityAnswer, StopRule, answer

PATH = "/quality"


class SiteQuality(Collector):
    """Answers by the site's rule, each time anew.

    Args:
        ready: whether the service can read its log now.
    """

    def __init__(
        self, service: Aggregation, rule: StopRule, ready: Callable[[], bool], now: Callable[[], datetime]
    ) -> None:
        self._service = service
        self._rule = rule
        self._ready = ready
        self._now = now

    def answer(self) -> QualityAnswer:
        """How things stand now."""
        now = self._now()
        windows = self._service.rolling.windows(now)
        known = KnownQuality(
            current=self._ready() and self._service.caught_up,
            change=self._service.change,
            latest=windows["last_20"],
            month=windows[STRATA_WINDOW],
            newest=self._service.rolling.newest(),
        )
        return answer(self._rule, known, now)

    def page(self) -> str:
        """The answer as JSON: `state`, `reasons`, `at`."""
        told = self.answer()
        return json.dumps({"state": told.state, "reasons": told.reasons, "at": self._now().isoformat()})

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked at registration: the state may still be in the making."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """One sample a state, 1 for the present one."""
        state = self.answer().state
        gauge = GaugeMetricFamily(
            "segwatch_site_quality_state",
            "1 for what /quality answers now, by the stop rule.",
            labels=["state"],
        )
        for each in STATES:
            gauge.add_metric([each], float(each == state))
        yield gauge
