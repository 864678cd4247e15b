"""The centre's overview: every site's rolling quality, as far as its privacy policy lets it be seen."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import table, timeseries

from deploy.dashboards.board import board
from deploy.dashboards.panels import (
    NUMBER_OF,
    WHOLE_WIDTH,
    by_label,
    estimate,
    lines,
    on_the_right,
    stacked,
    with_page_line,
)

PAGE_ABOVE = 0.5
"""The share that the rule SegwatchQualityDrop pages above."""

NEEDS_ATTENTION = (
    "Share of the window's studies that are predicted failed, undefined, or outside what the scorer knows."
    " From noised counts, clamped to 0..1 for display; the band is the interval that sampling and noise give"
    " together. A share means nothing without its n."
)
PREDICTED_DICE = (
    "Derived from the midpoints of the bins of noised histograms. Undefined studies have no predicted Dice;"
    " they are in the share needing attention."
)


def federation() -> builders.Dashboard:
    """The dashboard `segwatch-federation`."""
    overview = board(
        "segwatch: all sites",
        "segwatch-federation",
        "Predicted segmentation quality of every hospital, from noised releases. No study can be seen here.",
        sites_of="segwatch_federation_pulses",
    )
    return (
        overview.with_row(builders.Row("Now"))
        .with_panel(_sites_now())
        .with_row(builders.Row("Quality over time, site by site"))
        .with_panel(_needs_attention().repeat("site").max_per_row(2))
        .with_panel(_predicted_dice().repeat("site").max_per_row(2))
        .with_panel(_bins().repeat("site").max_per_row(2))
        .with_row(builders.Row("Is the picture true?"))
        .with_panel(_heartbeats())
        .with_panel(_records())
        .with_panel(_alerts())
    )


def _sites_now() -> table.Panel:
    return by_label(
        "Sites now",
        "site",
        {
            "needs attention": (_of("site:segwatch_needs_attention:ratio"), "percentunit"),
            "from": (_of("site:segwatch_needs_attention:ratio_low"), "percentunit"),
            "to": (_of("site:segwatch_needs_attention:ratio_high"), "percentunit"),
            "n (studies)": (_of("site:segwatch_federation_window_studies:max"), "short"),
            "pulses seen": (_of("site:segwatch_federation_pulses:max"), "short"),
            "mean predicted Dice": (_max("segwatch_federation_predicted_dice"), "none"),
            "Dice from": (_max("segwatch_federation_predicted_dice_low"), "none"),
            "Dice to": (_max("segwatch_federation_predicted_dice_high"), "none"),
            "portraits seen": (_max("segwatch_federation_portraits"), "short"),
            "heartbeat's age": (_of("site:segwatch_heartbeat_age:seconds"), "s"),
            "conflicts": (_max("segwatch_federation_conflicts_total"), "short"),
            "refused": (_max("segwatch_federation_refused_total"), "short"),
        },
        description=NEEDS_ATTENTION,
    )


def _needs_attention() -> timeseries.Panel:
    panel = estimate(
        "Needs attention at $site",
        {"needs attention": _of("site:segwatch_needs_attention:ratio")},
        low=_of("site:segwatch_needs_attention:ratio_low"),
        high=_of("site:segwatch_needs_attention:ratio_high"),
        n=_of("site:segwatch_federation_window_studies:max"),
        n_is="studies in the window",
        unit="percentunit",
        description=NEEDS_ATTENTION,
    )
    return with_page_line(panel, PAGE_ABOVE)


def _predicted_dice() -> timeseries.Panel:
    return estimate(
        "Mean predicted Dice at $site",
        {"mean predicted Dice": _max("segwatch_federation_predicted_dice")},
        low=_max("segwatch_federation_predicted_dice_low"),
        high=_max("segwatch_federation_predicted_dice_high"),
        n=_max("segwatch_federation_portraits"),
        n_is="portraits seen",
        unit="none",
        description=PREDICTED_DICE,
    )


def _bins() -> timeseries.Panel:
    bins = "max by (site, bin) (segwatch_federation_bin_ratio{site=~'$site'})"
    panel = lines(
        "Bins of predicted Dice at $site",
        {"{{bin}}": bins, NUMBER_OF: _max("segwatch_federation_portraits")},
        unit="percentunit",
        description=f"Shares of the seven cells of the latest portrait. {PREDICTED_DICE}",
        width=WHOLE_WIDTH,
    )
    return stacked(panel).override_by_name(NUMBER_OF, on_the_right("portraits seen"))


def _heartbeats() -> timeseries.Panel:
    age = _of("site:segwatch_heartbeat_age:seconds")
    interval = _of("site:segwatch_heartbeat_interval:seconds")
    return lines(
        "Intervals since the last heartbeat",
        {"{{site}}": f"{age} / {interval}"},
        unit="short",
        description="A heartbeat says only that a site is alive. Above 4, SegwatchSiteSilent pages.",
    )


def _records() -> timeseries.Panel:
    return lines(
        "Records that do not count",
        {
            "copies, {{site}}": _max("segwatch_federation_copies_total"),
            "conflicts, {{site}}": _max("segwatch_federation_conflicts_total"),
            "refused, {{site}}": _max("segwatch_federation_refused_total"),
        },
        unit="short",
        description=(
            "Copies are harmless: delivery is at least once. A conflict is one block with two contents."
            " Refused records do not keep to the schema."
        ),
    )


def _alerts() -> timeseries.Panel:
    return lines(
        "Alerts that fire",
        {"{{alertname}} {{site}}": 'max by (alertname, site) (ALERTS{alertstate="firing"})'},
        unit="none",
        description="Empty where nothing fires. Each alert has a runbook in deploy/runbooks.",
        width=WHOLE_WIDTH,
    )


def _of(record: str) -> str:
    return f"{record}{{site=~'$site'}}"


def _max(metric: str) -> str:
    return f"max by (site) ({metric}{{site=~'$site'}})"
