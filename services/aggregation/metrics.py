"""What aggregation shows to the hospital's own Prometheus, live and exact. Nothing here leaves."""

from collections.abc import Callable, Iterator
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from segwatch.aggregation.aggregation import Aggregation
from segwatch.aggregation.books import Books
from segwatch.aggregation.mechanism.slots import KINDS
from segwatch.aggregation.strata import standing_out
from segwatch.contracts.policy import SitePolicy
from services.aggregation.shadow_metrics import shadow_metrics


class SiteCollector(Collector):
    """Reads the service's state at each scrape, so that a restart shows the same figures again."""

    def __init__(self, service: Aggregation, now: Callable[[], datetime]) -> None:
        self._service = service
        self._now = now

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked at registration: the state may still be in the making."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The hospital's rolling quality, and the blocks."""
        yield from self._rolling()
        yield from shadow_metrics(self._service.rolling.comparison())
        yield from self._strata()
        yield from self._apart()
        if self._service.books is not None:
            yield from self._blocks(self._service.books)
            policy = self._service.books.ledger.policy_or_none
            yield from () if policy is None else _policy(policy)

    def _rolling(self) -> Iterator[Metric]:
        ratio = GaugeMetricFamily(
            "segwatch_site_rolling_needs_attention_ratio",
            "Share of studies that need attention, by window: the last studies, or by event time.",
            labels=["window"],
        )
        studies = GaugeMetricFamily(
            "segwatch_site_rolling_studies", "Studies in the window.", labels=["window"]
        )
        dice = GaugeMetricFamily(
            "segwatch_site_rolling_predicted_dice",
            "Mean predicted Dice of the studies in the window that have one.",
            labels=["window"],
        )
        for window, quality in self._service.rolling.windows(self._now()).items():
            studies.add_metric([window], quality.studies)
            if quality.needs_attention_ratio is not None:
                ratio.add_metric([window], quality.needs_attention_ratio)
            if quality.predicted_dice is not None:
                dice.add_metric([window], quality.predicted_dice)
        yield from (ratio, studies, dice, self._predicted_failed())

    def _predicted_failed(self) -> Metric:
        failed = GaugeMetricFamily(
            "segwatch_site_rolling_predicted_failed_ratio",
            "Predicted failed share, raw: of predictions, by window. It is no failure rate.",
            labels=["window"],
        )
        for window, share in self._service.rolling.predicted_failed(self._now()).items():
            failed.add_metric([window], share)
        return failed

    def _strata(self) -> Iterator[Metric]:
        labels = ["stratum", "value"]
        ratio = GaugeMetricFamily(
            "segwatch_site_stratum_needs_attention_ratio",
            "Share of the last 30 days' studies that need attention, by how the CT was made.",
            labels=labels,
        )
        studies = GaugeMetricFamily(
            "segwatch_site_stratum_studies",
            "Studies of the last 30 days, by how the CT was made.",
            labels=labels,
        )
        excess = GaugeMetricFamily(
            "segwatch_site_stratum_stands_out",
            "The stratum whose share is most surely above the rest's, if any: by how much.",
            labels=labels,
        )
        strata = self._service.rolling.strata(self._now())
        for each in strata:
            ratio.add_metric([each.stratum, each.value], each.ratio)
            studies.add_metric([each.stratum, each.value], each.studies)
        found = standing_out(strata)
        if found is not None:
            worst, rest = found
            excess.add_metric([worst.stratum, worst.value], worst.ratio - rest)
        yield from (ratio, studies, excess)

    def _apart(self) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "segwatch_site_late_versions",
            "Versions of studies that came after their block was closed: shown, and counted nowhere.",
            value=len(self._service.late_versions),
        )
        yield GaugeMetricFamily(
            "segwatch_site_trial_studies",
            "Studies on trial since the start: looked at, and in no block.",
            value=len(self._service.trial_studies),
        )

    def _blocks(self, books: Books) -> Iterator[Metric]:
        released = CounterMetricFamily(
            "segwatch_site_blocks_released", "Blocks closed in the ledger and released.", labels=["kind"]
        )
        tail = GaugeMetricFamily(
            "segwatch_site_open_tail_studies",
            "Counted studies that wait for their block to fill.",
            labels=["kind"],
        )
        for kind in KINDS:
            released.add_metric([kind], books.ledger.blocks_ever[kind])
            tail.add_metric([kind], books.blocks.open_studies(kind))
        counted = books.ledger.studies_ever + books.blocks.open_studies("pulse")
        yield from (released, tail)
        yield GaugeMetricFamily(
            "segwatch_site_counted_studies", "Studies in closed pulses and in the open one.", value=counted
        )
        yield GaugeMetricFamily(
            "segwatch_site_announced_changes",
            "Changes in this epoch's closed pulses: announced, or a model or scorer not met before.",
            value=books.watch.changes,
        )


def _policy(policy: SitePolicy) -> Iterator[Metric]:
    """The policy in force, so that a change of it is seen beside the figures."""
    info = GaugeMetricFamily(
        "segwatch_site_policy_info", "Always 1, of the privacy policy in force.", labels=["version"]
    )
    info.add_metric([policy.version], 1)
    epsilon = GaugeMetricFamily(
        "segwatch_site_policy_epsilon",
        "What a study costs at the most by each part of what leaves; smaller is more private.",
        labels=["part"],
    )
    epsilon.add_metric(["count"], policy.epsilon_count)
    epsilon.add_metric(["histogram"], policy.epsilon_histogram)
    epsilon.add_metric(["means"], policy.epsilon_means if policy.means_of else 0)
    size = GaugeMetricFamily(
        "segwatch_site_policy_block_studies", "Studies of a full block.", labels=["kind"]
    )
    size.add_metric(["pulse"], policy.pulse_studies)
    size.add_metric(["portrait"], policy.portrait_studies)
    yield from (info, epsilon, size)
