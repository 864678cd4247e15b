"""A hospital's own dashboard: everything live, without noise. The hospital's own Prometheus feeds it."""

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.dashboards.annotations import in_the_hospital
from deploy.dashboards.federation import PAGE_ABOVE
from deploy.dashboards.panels import NUMBER_OF, WHOLE_WIDTH, Curves, Rows, board, with_interval
from deploy.dashboards.shadow import shadow_panels

REFUSED_ABOVE = 0.25
"""The share of studies refused at intake above which somebody is paged, if it was lower before."""
LATE_ALLOWED = 0.05
"""The share of studies that the pipeline's goal allows to be late (deploy/rules/hospital.yaml)."""
_SITE = "{site=~'$site'}"
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
            "stratum": ("How the CT was made", "segwatch_site_stratum_studies"),
        },
        rows={
            "Quality": [_windows_now(), *_windows(), *_reviewed(), *_last_hour(), _refused(), _strata()],
            "Has it changed?": _change(),
            "A second scorer as a shadow": shadow_panels(_SITE),
            "The way of a study": _way(),
            "What was put aside or waits for others": _put_aside(),
            "How it was measured": _measured(),
            "What leaves the hospital": _leaves(),
            "Processes": _processes(),
        },
        annotations=in_the_hospital(),
    )


def _windows_now() -> Rows:
    return Rows(
        "Rolling windows now",
        "Predicted failed, undefined or outside what the scorer knows. Wilson's interval, 95 %.",
        "window",
        {
            "needs attention": (f"{_NEEDS_ATTENTION}{_SITE}", "percentunit"),
            "from": (f"{_NEEDS_ATTENTION}_low{_SITE}", "percentunit"),
            "to": (f"{_NEEDS_ATTENTION}_high{_SITE}", "percentunit"),
            "n (studies)": (f"{_STUDIES}{_SITE}", "short"),
            "mean predicted Dice": (f"segwatch_site_rolling_predicted_dice{_SITE}", "none"),
            "predicted failed share, raw": (
                f"segwatch_site_rolling_predicted_failed_ratio{_SITE}",
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
                "evidence": f"max(segwatch_local_change_evidence{_SITE})",
                "threshold": f"max(segwatch_local_change_threshold{_SITE})",
            },
            "none",
            logarithmic=True,
        ),
        Curves(
            "Share of failed studies before and since the change",
            "Only while an alarm stands.",
            {
                "before": f"site:segwatch_local_change_before:ratio{_SITE}",
                "since": f"site:segwatch_local_change_since:ratio{_SITE}",
                NUMBER_OF: f"site:segwatch_local_change_studies_since:max{_SITE}",
            },
            "percentunit",
            n_is="studies since the change",
        ),
        Curves(
            "What /quality answers",
            "By the site's stop rule: ok, watch, stop or unknown. Stop holds the model's results back.",
            {"{{state}}": f"max by (state) (segwatch_site_quality_state{_SITE})"},
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
                "failure rate", rate, "segwatch_scoring_reviewed_studies", lambda name: f"max({name}{_SITE})"
            ),
            "percentunit",
            n_is="reviewed studies",
        ),
        Curves(
            "Age of the reviews",
            "They say how it was then. `segwatch review sample` chooses new ones.",
            {"age": f"time() - max(segwatch_scoring_reviewed_timestamp_seconds{_SITE})"},
            "s",
        ),
    ]


def _last_hour() -> list[Curves]:
    dice = "segwatch_scoring_predicted_dice"
    buckets = f"sum by (le) (increase({dice}_bucket{_SITE}[1h]))"
    return [
        Curves(
            "Verdicts, studies an hour",
            "What the scorer said of each study.",
            {"{{verdict}}": f"sum by (verdict) (increase(segwatch_scoring_studies_total{_SITE}[1h]))"},
            stacked=True,
        ),
        Curves(
            "Predicted Dice: quartiles of the last hour",
            "Read from the histogram's buckets, so no finer than these.",
            {
                "lower quartile": f"histogram_quantile(0.25, {buckets})",
                "median": f"histogram_quantile(0.5, {buckets})",
                "upper quartile": f"histogram_quantile(0.75, {buckets})",
                NUMBER_OF: f"sum(increase({dice}_count{_SITE}[1h]))",
            },
            "none",
            n_is="studies",
        ),
    ]


def _refused() -> Curves:
    share, taken = "site:segwatch_ingest_refused:ratio6h", "site:segwatch_ingest_taken:increase6h"
    return Curves(
        "Refused at intake, share of six hours",
        "Studies that ingest refused are in no other figure here: a site whose scans are refused looks better"
        " than it is. Wilson's interval at 95 %.",
        with_interval("refused", share, taken, lambda name: f"{name}{_SITE}"),
        "percentunit",
        n_is="studies that came",
        page_above=REFUSED_ABOVE,
    )


def _strata() -> Rows:
    of = "{site=~'$site',stratum=~'$stratum'}"
    return Rows(
        "By $stratum, last 30 days",
        "How the CT was made, as far as its file says; at most 20 values, the rest is `other`. Stands out: by"
        " how much its share lies above the others', where that is surely no chance.",
        "value",
        {
            "needs attention": (f"segwatch_site_stratum_needs_attention_ratio{of}", "percentunit"),
            "n (studies)": (f"segwatch_site_stratum_studies{of}", "short"),
            "stands out by": (f"segwatch_site_stratum_stands_out{of}", "percentunit"),
        },
    )


def _way() -> list[Curves]:
    intake = f"segwatch_ingest_studies_total{_SITE}"
    done = f"segwatch_stage_messages_total{_SITE}"
    return [
        Curves(
            "Intake",
            "Studies announced, delivered a second time, or rejected; and entries in the inbox.",
            {
                "{{outcome}}, an hour": f"sum by (outcome) (increase({intake}[1h]))",
                "waiting": f"sum(segwatch_ingest_waiting{_SITE})",
            },
        ),
        Curves(
            "Messages an hour",
            "Each stage's messages by outcome.",
            {"{{stage}}, {{outcome}}": f"sum by (stage, outcome) (increase({done}[1h]))"},
        ),
        Curves(
            "Scored late, share",
            "Announced and not scored within five minutes of completion. The goal allows 5 % over a month.",
            {
                **{f"of {of}": f"site:segwatch_late:ratio_{of}{_SITE}" for of in ("1h", "6h", "3d")},
                NUMBER_OF: f"site:segwatch_ingest_announced:increase_1h{_SITE}",
            },
            "percentunit",
            n_is="studies announced in the hour",
            page_above=LATE_ALLOWED,
        ),
        Curves(
            "Studies in front of each stage",
            "Records not yet committed, the one in hand included.",
            {
                "{{stage}}": f"site_stage:segwatch_stage_lag:sum{_SITE}",
                "{{stage}}, in hand": f"sum by (stage) (segwatch_stage_in_progress{_SITE})",
            },
        ),
        Curves(
            "What that means in time",
            "How long the study that came last will wait, at the pace of the last hour.",
            {"{{stage}}": f"site_stage:segwatch_stage_wait:seconds{_SITE}"},
            "s",
        ),
        Curves(
            "Time a study takes",
            "Of the last hour.",
            {
                "{{stage}}, mean": f"site_stage:segwatch_stage_seconds:mean1h{_SITE}",
                "{{stage}}, 95 %": f"site_stage:segwatch_stage_seconds:p95_1h{_SITE}",
            },
            "s",
            width=WHOLE_WIDTH,
        ),
    ]


def _put_aside() -> list[Curves]:
    retries = f"segwatch_stage_retries_total{_SITE}"
    return [
        Curves(
            "Dead letters that wait",
            "Until they are replayed or acknowledged. `segwatch deadletters list --pending` shows them.",
            {"{{stage}}: {{error}}": f"site_stage_error:segwatch_dead_letters_pending:max{_SITE}"},
        ),
        Curves(
            "Retries in five minutes",
            "The store or the broker is away; the studies stay where they are.",
            {"{{stage}}: {{error}}": f"sum by (stage, error) (increase({retries}[5m]))"},
        ),
    ]


def _measured() -> list[Curves]:
    masks = f"sum by (lesion_source, lung_method) (increase(segwatch_segmentation_studies_total{_SITE}[1h]))"
    return [
        Curves(
            "Masks, studies an hour",
            "Who made the lesion mask, and how the lungs were found.",
            {"lesion {{lesion_source}}, lung {{lung_method}}": masks},
        ),
        Curves(
            "Measurements, studies an hour",
            "Studies that could not be measured keep a status; they count as needing attention.",
            {"{{status}}": f"sum by (status) (increase(segwatch_features_studies_total{_SITE}[1h]))"},
        ),
    ]


def _leaves() -> list[Curves]:
    return [
        Curves(
            "Blocks released a day",
            "Pulses and portraits.",
            {"{{kind}}": f"sum by (kind) (increase(segwatch_site_blocks_released_total{_SITE}[1d]))"},
        ),
        Curves(
            "Studies counted, and not yet released",
            "A counted study is in one closed pulse and one closed portrait, or in the open tail.",
            {
                "open tail, {{kind}}": f"max by (kind) (segwatch_site_open_tail_studies{_SITE})",
                "counted": f"max(segwatch_site_counted_studies{_SITE})",
            },
        ),
    ]


def _processes() -> list[Curves]:
    return [
        Curves(
            "Answers Prometheus",
            "1 where every process of the service answers.",
            {"{{job}}": f"min by (job) (up{_SITE})"},
            "none",
        ),
        Curves(
            "Starts in the last half hour",
            "A watchdog ends a process whose client call does not come back, and it starts again.",
            {"{{job}}": f"sum by (job) (changes(process_start_time_seconds{_SITE}[30m]))"},
        ),
    ]
