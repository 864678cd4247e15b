"""A hospital's own dashboard: everything live, without noise. The hospital's own Prometheus feeds it."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import table, timeseries

from deploy.dashboards.board import board, choice
from deploy.dashboards.federation import PAGE_ABOVE
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


def site() -> builders.Dashboard:
    """The dashboard `segwatch-site`."""
    own = board(
        "segwatch: this hospital",
        "segwatch-site",
        "Quality and health of segwatch inside one hospital. These figures do not leave it.",
        sites_of="segwatch_stage_lag",
    ).with_variable(choice("window", "Window", "segwatch_site_rolling_studies"))
    for title, panels in (
        ("Quality", (_windows_now(), _needs_attention(), _predicted_dice(), _verdicts(), _dice_spread())),
        ("The way of a study", (_intake(), _throughput(), _lag(), _wait(), _duration())),
        ("What was put aside or waits for others", (_dead_letters(), _retries())),
        ("How it was measured", (_masks(), _measured())),
        ("What leaves the hospital", (_released(), _tail())),
        ("Processes", (_up(), _starts())),
    ):
        own = own.with_row(builders.Row(title))
        for panel in panels:
            own = own.with_panel(panel)
    return own


def _windows_now() -> table.Panel:
    share = "site_window:segwatch_needs_attention:ratio"
    return by_label(
        "Rolling windows now",
        "window",
        {
            "needs attention": (_of(share), "percentunit"),
            "from": (_of(f"{share}_low"), "percentunit"),
            "to": (_of(f"{share}_high"), "percentunit"),
            "n (studies)": (_of("site_window:segwatch_site_rolling_studies:max"), "short"),
            "mean predicted Dice": (_of("segwatch_site_rolling_predicted_dice"), "none"),
        },
        description="Predicted failed, undefined or outside what the scorer knows. Wilson's interval, 95 %.",
    )


def _needs_attention() -> timeseries.Panel:
    share = "site_window:segwatch_needs_attention:ratio"
    panel = estimate(
        "Needs attention, window $window",
        {"needs attention": _in_window(share)},
        low=_in_window(f"{share}_low"),
        high=_in_window(f"{share}_high"),
        n=_in_window("site_window:segwatch_site_rolling_studies:max"),
        n_is="studies in the window",
        unit="percentunit",
        description="Without noise: this is the hospital's own. Wilson's interval at 95 %.",
    )
    return with_page_line(panel, PAGE_ABOVE).repeat("window").max_per_row(2)


def _predicted_dice() -> timeseries.Panel:
    panel = lines(
        "Mean predicted Dice, window $window",
        {
            "mean predicted Dice": _in_window("segwatch_site_rolling_predicted_dice"),
            NUMBER_OF: _in_window("site_window:segwatch_site_rolling_studies:max"),
        },
        unit="none",
        description="Over the studies of the window that have one; undefined studies have none.",
    ).override_by_name(NUMBER_OF, on_the_right("studies in the window"))
    return panel.repeat("window").max_per_row(2)


def _verdicts() -> timeseries.Panel:
    return stacked(
        lines(
            "Verdicts, studies an hour",
            {"{{verdict}}": f"sum by (verdict) (increase(segwatch_scoring_studies_total{_SITE}[1h]))"},
            unit="short",
            description="What the scorer said of each study.",
        )
    )


def _dice_spread() -> timeseries.Panel:
    buckets = f"sum by (le) (increase(segwatch_scoring_predicted_dice_bucket{_SITE}[1h]))"
    count = f"sum(increase(segwatch_scoring_predicted_dice_count{_SITE}[1h]))"
    return lines(
        "Predicted Dice: quartiles of the last hour",
        {
            "lower quartile": f"histogram_quantile(0.25, {buckets})",
            "median": f"histogram_quantile(0.5, {buckets})",
            "upper quartile": f"histogram_quantile(0.75, {buckets})",
            NUMBER_OF: count,
        },
        unit="none",
        description="Read from the histogram's buckets, so no finer than these.",
    ).override_by_name(NUMBER_OF, on_the_right("studies"))


def _intake() -> timeseries.Panel:
    return lines(
        "Intake",
        {
            "{{outcome}}, an hour": f"sum by (outcome) (increase(segwatch_ingest_studies_total{_SITE}[1h]))",
            "waiting": f"sum(segwatch_ingest_waiting{_SITE})",
        },
        unit="short",
        description="Studies announced, delivered a second time, or rejected; and entries in the inbox.",
    )


def _throughput() -> timeseries.Panel:
    done = f"segwatch_stage_messages_total{_SITE}"
    return lines(
        "Messages an hour",
        {"{{stage}}, {{outcome}}": f"sum by (stage, outcome) (increase({done}[1h]))"},
        unit="short",
        description="Each stage's messages by outcome.",
    )


def _lag() -> timeseries.Panel:
    return lines(
        "Studies in front of each stage",
        {
            "{{stage}}": _of("site_stage:segwatch_stage_lag:sum"),
            "{{stage}}, in hand": f"sum by (stage) (segwatch_stage_in_progress{_SITE})",
        },
        unit="short",
        description="Records not yet committed, the one in hand included.",
    )


def _wait() -> timeseries.Panel:
    return lines(
        "What that means in time",
        {"{{stage}}": _of("site_stage:segwatch_stage_wait:seconds")},
        unit="s",
        description="How long the study that came last will wait, at the pace of the last hour.",
    )


def _duration() -> timeseries.Panel:
    return lines(
        "Time a study takes",
        {
            "{{stage}}, mean": _of("site_stage:segwatch_stage_seconds:mean1h"),
            "{{stage}}, 95 %": _of("site_stage:segwatch_stage_seconds:p95_1h"),
        },
        unit="s",
        description="Of the last hour.",
        width=WHOLE_WIDTH,
    )


def _dead_letters() -> timeseries.Panel:
    return lines(
        "Dead letters",
        {"{{stage}}: {{error}}": f"sum by (stage, error) (segwatch_dead_letters_total{_SITE})"},
        unit="short",
        description="Since each process started. `segwatch deadletters list` shows them.",
    )


def _retries() -> timeseries.Panel:
    retries = f"segwatch_stage_retries_total{_SITE}"
    return lines(
        "Retries in five minutes",
        {"{{stage}}: {{error}}": f"sum by (stage, error) (increase({retries}[5m]))"},
        unit="short",
        description="The store or the broker is away; the studies stay where they are.",
    )


def _masks() -> timeseries.Panel:
    masks = f"segwatch_segmentation_studies_total{_SITE}"
    return lines(
        "Masks, studies an hour",
        {
            "lesion {{lesion_source}}, lung {{lung_method}}": (
                f"sum by (lesion_source, lung_method) (increase({masks}[1h]))"
            )
        },
        unit="short",
        description="Who made the lesion mask, and how the lungs were found.",
    )


def _measured() -> timeseries.Panel:
    return lines(
        "Measurements, studies an hour",
        {"{{status}}": f"sum by (status) (increase(segwatch_features_studies_total{_SITE}[1h]))"},
        unit="short",
        description="Studies that could not be measured keep a status; they count as needing attention.",
    )


def _released() -> timeseries.Panel:
    return lines(
        "Blocks released",
        {"{{kind}}": f"sum by (kind) (segwatch_site_blocks_released_total{_SITE})"},
        unit="short",
        description="Pulses, portraits and heartbeats.",
    )


def _tail() -> timeseries.Panel:
    return lines(
        "Studies counted, and not yet released",
        {
            "open tail, {{kind}}": f"max by (kind) (segwatch_site_open_tail_studies{_SITE})",
            "counted": f"max(segwatch_site_counted_studies{_SITE})",
        },
        unit="short",
        description="A counted study is in one closed pulse and one closed portrait, or in the open tail.",
    )


def _up() -> timeseries.Panel:
    return lines(
        "Answers Prometheus",
        {"{{job}}": f"min by (job) (up{_SITE})"},
        unit="none",
        description="1 where every process of the service answers.",
    )


def _starts() -> timeseries.Panel:
    return lines(
        "Starts in the last half hour",
        {"{{job}}": f"sum by (job) (changes(process_start_time_seconds{_SITE}[30m]))"},
        unit="short",
        description="A watchdog ends a process whose client call does not come back, and it starts again.",
    )


_SITE = "{site=~'$site'}"


def _of(record: str) -> str:
    return f"{record}{_SITE}"


def _in_window(record: str) -> str:
    return f"{record}{{site=~'$site',window=~'$window'}}"
