"""A hospital's own quality: everything live, without noise. The hospital's own Prometheus feeds it."""

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.dashboards.annotations import in_the_hospital
from deploy.dashboards.board import board
from deploy.dashboards.federation import PAGE_ABOVE
from deploy.dashboards.panels import NUMBER_OF, Curves, Rows, with_interval
from deploy.dashboards.shadow import shadow_panels

SITE = "{site=~'$site'}"
"""Selects what the board's variable says."""
_NEEDS_ATTENTION = "site_window:segwatch_needs_attention:ratio"
_STUDIES = "site_window:segwatch_site_rolling_studies:max"


def site() -> builders.Dashboard:
    """The dashboard `segwatch-site`."""
    return board(
        "segwatch: this hospital",
        "segwatch-site",
        "Quality and health of segwatch inside one hospital. These figures do not leave it.",
        choices={
            "site": ("Site", "segwatch_stage_lag"),
            "window": ("Window", "segwatch_site_rolling_studies"),
        },
        rows={
            "Quality": [_windows_now(), *_windows(), *_reviewed(), *_last_hour()],
            "Has it changed?": _change(),
            "A second scorer as a shadow": shadow_panels(SITE),
        },
        annotations=in_the_hospital(),
    )


def _windows_now() -> Rows:
    return Rows(
        "Rolling windows now",
        "Predicted failed, undefined or outside what the scorer knows. Wilson's interval, 95 %.",
        "window",
        {
            "needs attention": (f"{_NEEDS_ATTENTION}{SITE}", "percentunit"),
            "from": (f"{_NEEDS_ATTENTION}_low{SITE}", "percentunit"),
            "to": (f"{_NEEDS_ATTENTION}_high{SITE}", "percentunit"),
            "n (studies)": (f"{_STUDIES}{SITE}", "short"),
            "mean predicted Dice": (f"segwatch_site_rolling_predicted_dice{SITE}", "none"),
            "predicted failed share, raw": (
                f"segwatch_site_rolling_predicted_failed_ratio{SITE}",
                "percentunit",
            ),
        },
    )


def _change() -> list[Curves]:
    return [
        Curves(
            "Evidence against threshold",
            "The hospital's own detector, study by study. An alarm rings where the evidence reaches the"
            " threshold, and stands until `segwatch site acknowledge` or `rebaseline`.",
            {
                "evidence": f"max(segwatch_local_change_evidence{SITE})",
                "threshold": f"max(segwatch_local_change_threshold{SITE})",
            },
            "none",
            logarithmic=True,
            alerts=("SegwatchLocalQualityDrop",),
        ),
        Curves(
            "Share of failed studies before and since the change",
            "Only while an alarm stands.",
            {
                "before": f"site:segwatch_local_change_before:ratio{SITE}",
                "since": f"site:segwatch_local_change_since:ratio{SITE}",
                NUMBER_OF: f"site:segwatch_local_change_studies_since:max{SITE}",
            },
            "percentunit",
            n_is="studies since the change",
        ),
        Curves(
            "What /quality answers",
            "By the site's stop rule: ok, watch, stop or unknown. Stop holds the model's results back.",
            {"{{state}}": f"max by (state) (segwatch_site_quality_state{SITE})"},
            "none",
            stacked=True,
        ),
    ]


def _windows() -> list[Curves]:
    window = "{site=~'$site',window=~'$window'}"
    return [
        Curves(
            "Needs attention, window $window",
            "Without noise: this is the hospital's own. Wilson's interval at 95 %.",
            with_interval("needs attention", _NEEDS_ATTENTION, _STUDIES, lambda name: f"{name}{window}"),
            "percentunit",
            n_is="studies in the window",
            page_above=PAGE_ABOVE,
            repeat="window",
        ),
        Curves(
            "Mean predicted Dice, window $window",
            "Over the studies of the window that have one; undefined studies have none.",
            {
                "mean predicted Dice": f"segwatch_site_rolling_predicted_dice{window}",
                NUMBER_OF: f"{_STUDIES}{window}",
            },
            "none",
            n_is="studies in the window",
            repeat="window",
        ),
    ]


def _reviewed() -> list[Curves]:
    rate = "segwatch_scoring_reviewed_failure_ratio"
    return [
        Curves(
            "Failure rate here, by reviews",
            "Post-stratified by flag, from the reviews that the scorer's bundle holds; 95 % interval."
            " Undefined where none were made: then there are shares of predictions only, which are no rate.",
            with_interval(
                "failure rate", rate, "segwatch_scoring_reviewed_studies", lambda name: f"max({name}{SITE})"
            ),
            "percentunit",
            n_is="reviewed studies",
        ),
        Curves(
            "Age of the reviews",
            "They say how it was then. `segwatch review sample` chooses new ones.",
            {"age": f"time() - max(segwatch_scoring_reviewed_timestamp_seconds{SITE})"},
            "s",
        ),
    ]


def _last_hour() -> list[Curves]:
    dice = "segwatch_scoring_predicted_dice"
    buckets = f"sum by (le) (increase({dice}_bucket{SITE}[1h]))"
    return [
        Curves(
            "Verdicts, studies an hour",
            "What the scorer said of each study.",
            {"{{verdict}}": f"sum by (verdict) (increase(segwatch_scoring_studies_total{SITE}[1h]))"},
            stacked=True,
        ),
        Curves(
            "Predicted Dice: quartiles of the last hour",
            "Read from the histogram's buckets, so no finer than these.",
            {
                "lower quartile": f"histogram_quantile(0.25, {buckets})",
                "median": f"histogram_quantile(0.5, {buckets})",
                "upper quartile": f"histogram_quantile(0.75, {buckets})",
                NUMBER_OF: f"sum(increase({dice}_count{SITE}[1h]))",
            },
            "none",
            n_is="studies",
        ),
    ]
