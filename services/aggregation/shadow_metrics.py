"""What would change in the hospital if the shadow scorer counted, for its own Prometheus."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from segwatch.serving.comparison import Comparison

ROLES = ("counts", "shadow")


def shadow_metrics(found: Comparison | None) -> Iterator[Metric]:
    """Both scorers on the last studies that both have scored; without a shadow there are no samples."""
    studies = GaugeMetricFamily(
        "segwatch_site_shadow_window_studies",
        "The last studies that both scorers have scored, 200 at most.",
        labels=[],
    )
    changed = GaugeMetricFamily(
        "segwatch_site_shadow_changed_studies",
        "Of those, how many the shadow would flag that are not, and how many no longer.",
        labels=["to"],
    )
    flagged = _of_both("segwatch_site_shadow_flagged_ratio", "Share that needs attention, by scorer.")
    failed = _of_both(
        "segwatch_site_shadow_predicted_failed_ratio", "Predicted failed share, raw, by scorer."
    )
    dice = _of_both("segwatch_site_shadow_predicted_dice", "Mean predicted Dice, by scorer.")
    pages = _of_both(
        "segwatch_site_shadow_pages",
        "How often the hospital's detector would have rung over them, by scorer.",
    )
    if found is not None:
        studies.add_metric([], found.studies)
        changed.add_metric(["flagged"], found.newly_flagged)
        changed.add_metric(["passed"], found.no_longer_flagged)
        for role, summary in zip(ROLES, (found.counts, found.shadow), strict=True):
            flagged.add_metric([role], summary.flagged)
            failed.add_metric([role], summary.predicted_failed)
            pages.add_metric([role], summary.pages)
            if summary.predicted_dice is not None:
                dice.add_metric([role], summary.predicted_dice)
    yield from (studies, changed, flagged, failed, dice, pages)


def _of_both(name: str, what: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, what, labels=["role"])
