"""Who scores at this moment, and what the site's reviews say, for the hospital's own Prometheus."""

from collections.abc import Iterator
from datetime import UTC, datetime

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from segwatch.scoring.reviewed import SiteReviews
from segwatch.serving.roles import Roles


class RolesCollector(Collector):
    """Without reviews there is no rate: no sample, never a 0.

    Attributes:
        roles: of the scorers, as the last study met them.
    """

    def __init__(self) -> None:
        self.roles: Roles | None = None

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked at registration."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The scorers, and the reviews of the one that counts."""
        scorer = GaugeMetricFamily(
            "segwatch_scoring_scorer",
            "1 for the scorer that counts and for its shadow.",
            labels=["role", "scorer", "sha256"],
        )
        roles = self.roles
        if roles is not None:
            for role, each in (("counts", roles.counts), ("shadow", roles.shadow)):
                if each is not None:
                    scorer.add_metric([role, each.identity.name, each.identity.sha256], 1)
        yield scorer
        yield from _reviews(None if roles is None else roles.counts.manifest.site)


def _reviews(site: SiteReviews | None) -> Iterator[Metric]:
    rate = None if site is None else site.failure_rate
    value, low, high = (None, None, None) if rate is None else (rate.value, rate.low, rate.high)
    yield GaugeMetricFamily(
        "segwatch_scoring_reviewed_studies",
        "Studies of the site that were reviewed for the scorer that counts; 0 where none were.",
        value=0 if site is None else site.studies,
    )
    yield GaugeMetricFamily(
        "segwatch_scoring_reviewed_failure_ratio",
        "Failure rate of the site by its reviews, post-stratified by flag.",
        value=value,
    )
    yield GaugeMetricFamily(
        "segwatch_scoring_reviewed_failure_ratio_low", "Lower end of its 95 % interval.", value=low
    )
    yield GaugeMetricFamily(
        "segwatch_scoring_reviewed_failure_ratio_high", "Upper end of its 95 % interval.", value=high
    )
    yield GaugeMetricFamily(
        "segwatch_scoring_reviewed_timestamp_seconds",
        "The day on which the reviews were evaluated.",
        value=None if site is None else _seconds(site.reviewed_on),
    )


def _seconds(day: str) -> float:
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
