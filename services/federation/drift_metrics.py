"""How far a site's feature means have drifted from what its scorer was trained on, for Prometheus."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from segwatch.federation.drift import Usual, drift_of
from services.federation.fleet import SiteReleases


class DriftCollector(Collector):
    """Of each site's last portrait, where its policy lets means out and the training cohort is known."""

    def __init__(self, sites: Callable[[], Mapping[str, SiteReleases]], usual: Mapping[str, Usual]) -> None:
        self._sites = sites
        self._usual = usual

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked at registration: the state may still be in the making."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """One sample for each mean that left."""
        drift = GaugeMetricFamily(
            "segwatch_federation_feature_drift",
            "Standard errors by which the last portrait's mean lies above the training cohort's.",
            labels=["site", "feature"],
        )
        for name, site in sorted(self._sites().items()):
            found = {} if site.portrait is None else drift_of(site.portrait, self._usual)
            for feature, value in found.items():
                drift.add_metric([name, feature], value)
        yield drift
