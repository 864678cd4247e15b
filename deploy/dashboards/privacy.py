"""What leaves a hospital, under which policy, and what each study's part in it costs."""

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.dashboards.annotations import in_the_hospital
from deploy.dashboards.board import board
from deploy.dashboards.panels import Curves, Rows
from deploy.dashboards.site import SITE


def privacy() -> builders.Dashboard:
    """The dashboard `segwatch-privacy`."""
    return board(
        "segwatch: what leaves the hospital",
        "segwatch-privacy",
        "For the data protection officer: the policy in force, the blocks that left, and what did not.",
        choices={"site": ("Site", "segwatch_stage_lag")},
        rows={"The policy in force": _policy(), "What leaves": _leaves(), "What does not": _stays()},
        annotations=in_the_hospital(),
    )


def _policy() -> list[Rows | Curves]:
    return [
        Rows(
            "Policy",
            "As its file says, and the ledger: a changed file is in force from the next portrait on.",
            "version",
            {"in force": (f"max by (version) (segwatch_site_policy_info{SITE})", "none")},
        ),
        Curves(
            "Epsilon of each part",
            "What a study costs at the most by the count of its pulse, the histogram of its portrait, and"
            " the portrait's means; 0 where none leave. In all at the most 3 (docs/privacy.md).",
            {
                "{{part}}": f"max by (part) (segwatch_site_policy_epsilon{SITE})",
                "in all": f"sum(max by (part) (segwatch_site_policy_epsilon{SITE}))",
            },
            "none",
        ),
        Curves(
            "Studies of a full block",
            "Nothing finer than a block leaves.",
            {"{{kind}}": f"max by (kind) (segwatch_site_policy_block_studies{SITE})"},
        ),
    ]


def _leaves() -> list[Curves]:
    return [
        Curves(
            "Blocks released a day",
            "Pulses and portraits.",
            {"{{kind}}": f"sum by (kind) (increase(segwatch_site_blocks_released_total{SITE}[1d]))"},
        ),
        Curves(
            "Aggregation",
            "Whether it can close blocks now: it beats, and the centre hears it, only while it can."
            " It tries again where Kafka, or the audit log without which nothing leaves, is away.",
            {
                "ready": "max(segwatch_ready{site=~'$site',service=\"aggregation\"})",
                "tries again, in five minutes": (
                    "sum(increase(segwatch_stage_retries_total{site=~'$site',stage=\"aggregation\"}[5m]))"
                    " or on () 0 * max(segwatch_ready{site=~'$site',service=\"aggregation\"})"
                ),
            },
            "none",
        ),
        Curves(
            "Studies counted, and not yet released",
            "A counted study is in one closed pulse and one closed portrait, or in the open tail.",
            {
                "open tail, {{kind}}": f"max by (kind) (segwatch_site_open_tail_studies{SITE})",
                "counted": f"max(segwatch_site_counted_studies{SITE})",
            },
        ),
    ]


def _stays() -> list[Curves]:
    return [
        Curves(
            "Versions of studies that no block counts, in a day",
            "They came after their block was closed. They are shown in the hospital and leave in nothing.",
            {"late versions": f"sum(increase(segwatch_site_late_versions_total{SITE}[1d]))"},
        ),
        Curves(
            "Room of the audit log's disk, share that is free",
            "When it is full nothing leaves, and the centre hears silence.",
            {
                "{{disk}}": (
                    "min by (disk) (segwatch_disk_free_bytes{site=~'$site',disk=\"audit\"}"
                    " / segwatch_disk_size_bytes{site=~'$site',disk=\"audit\"})"
                )
            },
            "percentunit",
        ),
    ]
