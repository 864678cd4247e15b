"""What the centre shows to Prometheus. Nothing moves with a single study: only blocks come out of a site."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from segwatch.contracts.quality import HISTOGRAM_CELLS
from services.federation.fleet import SiteReleases

PREFIX = "segwatch_federation"

_GAUGES: Mapping[str, str] = {
    "needs_attention_studies": "Studies of the window that need attention: noised, clamped to what can be.",
    "window_studies": "Studies in the window of the last pulses.",
    "needs_attention_ratio": "Share of the window's studies that need attention.",
    "needs_attention_ratio_low": "Lower end of the share's 95 % interval, noise included.",
    "needs_attention_ratio_high": "Upper end of the share's 95 % interval, noise included.",
    "pulses": "Closed pulses seen.",
    "portraits": "Closed portraits seen.",
    "predicted_dice": "Mean predicted Dice of the last portrait, by its bins' midpoints.",
    "predicted_dice_low": "Lower end of the mean's 95 % interval, noise included.",
    "predicted_dice_high": "Upper end of the mean's 95 % interval, noise included.",
    "last_heartbeat_timestamp_seconds": "When the last heartbeat's slot began, as a Unix time.",
    "heartbeat_interval_seconds": "How often the site says that it is alive.",
    "epoch": "The highest epoch of the site's ledger that was seen.",
    "open_conflicts": "Records that bore a known block's name and said something else; until acknowledged.",
    "open_refused": "Records that were no release, or one that no policy allows; until acknowledged.",
    "missing_pulses": "Pulses that did not come, though later ones of their epoch did.",
    "missing_portraits": "Portraits that did not come, though later ones of their epoch did.",
    "without_pulse_seconds": "How long the site has beaten since its last pulse, counted in heartbeats.",
    "pulse_pace_seconds": "Mean time between the site's last pulses, counted in heartbeats.",
    "unscored_ratio": "Share of what came that got no score, as refused scans do not: noised, clamped. Absent"
    " where the site's policy does not tell it.",
    "unscored_ratio_low": "Lower end of the noise's 95 % interval on that share.",
    "unscored_ratio_high": "Upper end of the noise's 95 % interval on that share.",
}
_COUNTERS: Mapping[str, str] = {
    "copies": "Records that said again what was known.",
    "conflicts": "Records that bore a known block's name and said something else.",
    "refused": "Records that were no release, or one that no policy allows.",
}


class FleetCollector(Collector):
    """Reads the fleet's state at each scrape, so that a restart shows the same figures again."""

    def __init__(self, sites: Callable[[], Mapping[str, SiteReleases]]) -> None:
        self._sites = sites

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked at registration: the state may still be in the making."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Every site's figures; one that is not known yet has no sample."""
        gauges = {name: _gauge(name, text, ["site"]) for name, text in _GAUGES.items()}
        counters = {
            name: CounterMetricFamily(f"{PREFIX}_{name}", text, labels=["site"])
            for name, text in _COUNTERS.items()
        }
        bins = _gauge(
            "bin_ratio", "Share of the last portrait's studies by cell, clamped to 0 to 1.", ["site", "bin"]
        )
        for name, site in sorted(self._sites().items()):
            for metric, value in figures_of(site).items():
                gauges[metric].add_metric([name], value)
            for metric, family in counters.items():
                family.add_metric([name], getattr(site, metric))
            for cell, ratio in zip(HISTOGRAM_CELLS, site.bins(), strict=False):
                bins.add_metric([name, cell], ratio)
        yield from gauges.values()
        yield from counters.values()
        yield bins


def figures_of(site: SiteReleases) -> dict[str, float]:
    """The site's figures by metric; what is not known is left out."""
    figures: dict[str, float | None] = {
        "pulses": site.pulses,
        "portraits": site.portraits,
        "open_conflicts": site.records.open_conflicts,
        "open_refused": site.records.open_refused,
    }
    share, dice, unscored = site.share(), site.dice(), site.unscored()
    if share is not None:
        figures |= {
            "needs_attention_studies": share.shown_count,
            "window_studies": share.studies,
            "needs_attention_ratio": share.ratio,
            "needs_attention_ratio_low": share.low,
            "needs_attention_ratio_high": share.high,
        }
    if dice is not None:
        figures |= {
            "predicted_dice": dice.mean,
            "predicted_dice_low": dice.low,
            "predicted_dice_high": dice.high,
        }
    if unscored is not None:
        figures |= {
            "unscored_ratio": unscored.ratio,
            "unscored_ratio_low": unscored.low,
            "unscored_ratio_high": unscored.high,
        }
    if site.heartbeat is not None:
        figures["heartbeat_interval_seconds"] = site.heartbeat.interval_seconds
        figures["last_heartbeat_timestamp_seconds"] = site.last_beat()
    presence = site.presence
    if presence.epoch:
        figures |= {
            "epoch": presence.epoch,
            "missing_pulses": presence.missing("pulse"),
            "missing_portraits": presence.missing("portrait"),
            "without_pulse_seconds": presence.without_pulse_seconds,
            "pulse_pace_seconds": presence.pace_seconds(),
        }
    return {metric: float(value) for metric, value in figures.items() if value is not None}


def _gauge(name: str, text: str, labels: list[str]) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=labels)
