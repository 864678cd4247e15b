"""The pipeline of a hospital: the way of a study, what waits, what was put aside, and what it stands on."""

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.dashboards.annotations import in_the_hospital
from deploy.dashboards.board import board
from deploy.dashboards.ground import ground
from deploy.dashboards.panels import NUMBER_OF, WHOLE_WIDTH, Curves, with_interval
from deploy.dashboards.site import SITE

REFUSED_ABOVE = 0.25
"""The share of studies refused at intake above which somebody is paged, if it was lower before."""
LATE_ALLOWED = 0.05
"""The share of studies that the pipeline's goal allows to be late (deploy/rules/hospital.yaml)."""


def pipeline() -> builders.Dashboard:
    """The dashboard `segwatch-pipeline`."""
    return board(
        "segwatch: the hospital's pipeline",
        "segwatch-pipeline",
        "Health of segwatch inside one hospital. These figures do not leave it.",
        choices={"site": ("Site", "segwatch_stage_lag")},
        rows={
            "The way of a study": [*_way(), _refused()],
            "What was put aside or waits for others": _put_aside(),
            "How it was measured": _measured(),
            "Processes": _processes(),
            "What it stands on": ground(SITE, disks=True),
        },
        annotations=in_the_hospital(),
    )


def _way() -> list[Curves]:
    intake = f"segwatch_ingest_studies_total{SITE}"
    done = f"segwatch_stage_messages_total{SITE}"
    return [
        Curves(
            "Intake",
            "Studies announced, delivered a second time, or rejected; and entries in the inbox.",
            {
                "{{outcome}}, an hour": f"sum by (outcome) (increase({intake}[1h]))",
                "waiting": f"sum(segwatch_ingest_waiting{SITE})",
            },
            alerts=(
                "SegwatchIngestStuck",
                "SegwatchInboxEntryStuck",
            ),
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
                **{f"of {of}": f"site:segwatch_late:ratio_{of}{SITE}" for of in ("1h", "6h", "3d")},
                NUMBER_OF: f"site:segwatch_ingest_announced:increase_1h{SITE}",
            },
            "percentunit",
            n_is="studies announced in the hour",
            page_above=LATE_ALLOWED,
            alerts=(
                "SegwatchStudiesLate",
                "SegwatchStudiesOftenLate",
            ),
        ),
        Curves(
            "Studies in front of each stage",
            "Records not yet committed, the one in hand included.",
            {
                "{{stage}}": f"site_stage:segwatch_stage_lag:sum{SITE}",
                "{{stage}}, in hand": f"sum by (stage) (segwatch_stage_in_progress{SITE})",
            },
            alerts=(
                "SegwatchStageStuck",
                "SegwatchPartitionStuck",
            ),
        ),
        Curves(
            "What that means in time",
            "How long the study that came last will wait, at the pace of the last hour.",
            {"{{stage}}": f"site_stage:segwatch_stage_wait:seconds{SITE}"},
            "s",
            alerts=("SegwatchStageBehind",),
        ),
        Curves(
            "Time a study takes",
            "Of the last hour.",
            {
                "{{stage}}, mean": f"site_stage:segwatch_stage_seconds:mean1h{SITE}",
                "{{stage}}, 95 %": f"site_stage:segwatch_stage_seconds:p95_1h{SITE}",
            },
            "s",
            width=WHOLE_WIDTH,
        ),
    ]


def _refused() -> Curves:
    share, taken = "site:segwatch_ingest_refused:ratio6h", "site:segwatch_ingest_taken:increase6h"
    return Curves(
        "Refused at intake, share of six hours",
        "Studies that ingest refused are in no other figure here: a site whose scans are refused looks better"
        " than it is. Wilson's interval at 95 %.",
        with_interval("refused", share, taken, lambda name: f"{name}{SITE}"),
        "percentunit",
        n_is="studies that came",
        page_above=REFUSED_ABOVE,
        alerts=("SegwatchIngestRefuses",),
    )


def _put_aside() -> list[Curves]:
    retries = f"segwatch_stage_retries_total{SITE}"
    pending = f"site_stage_error:segwatch_dead_letters_pending:max{SITE}"
    lost, remade = "segwatch_stage_lost_records_total", "segwatch_stage_topics_remade_total"
    else_none = f" or on (stage) 0 * sum by (stage) (segwatch_stage_lag{SITE})"
    nothing = f'label_replace(0 * sum by (stage) (segwatch_stage_lag{SITE}), "error", "none", "", "")'
    return [
        Curves(
            "Dead letters that wait",
            "Until they are replayed or acknowledged. `segwatch deadletters list --pending` shows them.",
            {"{{stage}}: {{error}}": f"{pending} or on (stage) {nothing}"},
            alerts=("SegwatchDeadLetters",),
        ),
        Curves(
            "Records lost, and topics made again, in a day",
            "Lost: deleted by a time limit before they were read. Made again: deleted under a running stage.",
            {
                "lost, {{stage}}": f"sum by (stage) (increase({lost}{SITE}[1d])){else_none}",
                "made again, {{stage}}": (f"sum by (stage) (increase({remade}{SITE}[1d])){else_none}"),
            },
            alerts=("SegwatchRecordsLost", "SegwatchTopicRemade"),
        ),
        Curves(
            "Retries in five minutes",
            "The store or the broker is away; the studies stay where they are.",
            {
                "{{stage}}: {{error}}": (
                    f"sum by (stage, error) (increase({retries}[5m])) or on (stage) {nothing}"
                )
            },
            alerts=("SegwatchDependencyAway",),
        ),
    ]


def _measured() -> list[Curves]:
    masks = f"sum by (lesion_source, lung_method) (increase(segwatch_segmentation_studies_total{SITE}[1h]))"
    return [
        Curves(
            "Masks, studies an hour",
            "Who made the lesion mask, and how the lungs were found.",
            {"lesion {{lesion_source}}, lung {{lung_method}}": masks},
        ),
        Curves(
            "Measurements, studies an hour",
            "Studies that could not be measured keep a status; they count as needing attention.",
            {"{{status}}": f"sum by (status) (increase(segwatch_features_studies_total{SITE}[1h]))"},
        ),
    ]


def _processes() -> list[Curves]:
    return [
        Curves(
            "Answers Prometheus",
            "1 where every process of the service answers.",
            {"{{job}}": f"min by (job) (up{SITE})"},
            "none",
            alerts=("SegwatchInstanceDown",),
        ),
        Curves(
            "The bridge",
            "Its tasks that run, and records that wait for it: nothing else leaves the hospital.",
            {
                "running": f"site:segwatch_bridge_tasks:running{SITE}",
                "waiting": f"site:segwatch_bridge_waiting_records:sum{SITE}",
            },
            alerts=("SegwatchBridgeDown", "SegwatchBridgeRestarting"),
        ),
        Curves(
            "Ready",
            "1 where a process of the service can do its work now, as /readyz says.",
            {"{{service}}": f"max by (service) (segwatch_ready{SITE})"},
            "none",
            alerts=("SegwatchNotReady",),
        ),
        Curves(
            "Starts in the last half hour",
            "A watchdog ends a process whose client call does not come back, and it starts again.",
            {"{{job}}": f"sum by (job) (changes(process_start_time_seconds{SITE}[30m]))"},
            alerts=("SegwatchInstanceRestarting",),
        ),
    ]
