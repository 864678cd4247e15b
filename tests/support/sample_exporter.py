"""A small exporter that shows every metric of the services, moving, so that panels can be proven."""

import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from types import TracebackType
from typing import Self

STAGES = ("segmentation", "features", "scoring", "aggregation")

Samples = Mapping[str, float]

GAUGES: Samples = {
    **{
        f'segwatch_stage_lag{{stage="{stage}",topic="segwatch.study.x.v1",partition="0"}}': 3
        for stage in STAGES
    },
    **{f'segwatch_stage_in_progress{{stage="{stage}"}}': 1 for stage in STAGES},
    **{f'segwatch_stage_last_success_timestamp_seconds{{stage="{stage}"}}': 1 for stage in STAGES},
    "segwatch_ingest_waiting": 2,
    "process_start_time_seconds": 1,
    'segwatch_site_rolling_needs_attention_ratio{window="100"}': 0.75,
    'segwatch_site_rolling_studies{window="100"}': 100,
    'segwatch_site_rolling_predicted_dice{window="100"}': 0.5,
    'segwatch_site_rolling_predicted_failed_ratio{window="100"}': 0.7,
    "segwatch_site_shadow_window_studies": 90,
    'segwatch_site_shadow_changed_studies{to="flagged"}': 3,
    **{
        f'segwatch_site_shadow_{name}{{role="{role}"}}': 0.5
        for name in ("flagged_ratio", "predicted_failed_ratio", "predicted_dice", "pages")
        for role in ("counts", "shadow")
    },
    "segwatch_scoring_reviewed_studies": 15,
    "segwatch_scoring_reviewed_failure_ratio": 0.3,
    "segwatch_scoring_reviewed_failure_ratio_low": 0.15,
    "segwatch_scoring_reviewed_failure_ratio_high": 0.5,
    "segwatch_scoring_reviewed_timestamp_seconds": 1,
    'segwatch_site_open_tail_studies{kind="pulse"}': 7,
    "segwatch_site_counted_studies": 107,
    "segwatch_site_announced_changes": 1,
    **{
        f'segwatch_site_stratum_{name}{{stratum="kernel",value="B70f"}}': value
        for name, value in {"needs_attention_ratio": 0.6, "studies": 40, "stands_out": 0.4}.items()
    },
    'segwatch_site_quality_state{state="ok"}': 1,
    'segwatch_dead_letters_pending{stage="features",error="missing_object"}': 2,
    'segwatch_federation_needs_attention_studies{site="hospital-a"}': 45,
    'segwatch_federation_window_studies{site="hospital-a"}': 60,
    'segwatch_federation_needs_attention_ratio{site="hospital-a"}': 0.75,
    'segwatch_federation_needs_attention_ratio_low{site="hospital-a"}': 0.62,
    'segwatch_federation_needs_attention_ratio_high{site="hospital-a"}': 0.86,
    'segwatch_federation_pulses{site="hospital-a"}': 5,
    'segwatch_federation_portraits{site="hospital-a"}': 1,
    'segwatch_federation_predicted_dice{site="hospital-a"}': 0.5,
    'segwatch_federation_predicted_dice_low{site="hospital-a"}': 0.4,
    'segwatch_federation_predicted_dice_high{site="hospital-a"}': 0.6,
    'segwatch_federation_unscored_ratio{site="hospital-a"}': 0.4,
    'segwatch_federation_unscored_ratio_low{site="hospital-a"}': 0.3,
    'segwatch_federation_unscored_ratio_high{site="hospital-a"}': 0.5,
    'segwatch_federation_bin_ratio{site="hospital-a",bin="0.0-0.2"}': 0.5,
    'segwatch_federation_last_heartbeat_timestamp_seconds{site="hospital-a"}': 1,
    'segwatch_federation_heartbeat_interval_seconds{site="hospital-a"}': 300,
    'segwatch_change_evidence{site="hospital-a"}': 900,
    'segwatch_change_threshold{site="hospital-a"}': 250,
    'segwatch_change_baseline_ratio{site="hospital-a"}': 0.3,
    'segwatch_change_baseline_pulse{site="hospital-a"}': 0,
    'segwatch_change_alarm{site="hospital-a"}': 1,
    'segwatch_change_together{site="hospital-a"}': 1,
    'segwatch_change_start_pulse{site="hospital-a"}': 3,
    'segwatch_change_start_timestamp_seconds{site="hospital-a"}': 1,
    'segwatch_change_start_timestamp_seconds_low{site="hospital-a"}': 1,
    'segwatch_change_start_timestamp_seconds_high{site="hospital-a"}': 1,
    'segwatch_change_before_ratio{site="hospital-a"}': 0.3,
    'segwatch_change_since_ratio{site="hospital-a"}': 0.75,
    'segwatch_change_studies_since{site="hospital-a"}': 60,
    "segwatch_local_change_evidence": 6000,
    "segwatch_local_change_threshold": 5000,
    "segwatch_local_change_alarm": 1,
    "segwatch_local_change_start_pulse": 3,
    "segwatch_local_change_before_ratio": 0.3,
    "segwatch_local_change_since_ratio": 0.75,
    "segwatch_local_change_studies_since": 60,
    'segwatch_federation_copies_total{site="hospital-a"}': 1,
    'segwatch_federation_open_conflicts{site="hospital-a"}': 0,
    'segwatch_federation_open_refused{site="hospital-a"}': 0,
    'segwatch_federation_expected{site="hospital-a"}': 1,
    'segwatch_federation_topic{site="hospital-a"}': 1,
    'segwatch_federation_epoch{site="hospital-a"}': 1,
    'segwatch_federation_heartbeat_lateness_seconds{site="hospital-a"}': 2,
    'segwatch_federation_feature_drift{site="hospital-a",feature="connected_components"}': -1.5,
    **{
        f'segwatch_federation_{name}{{site="hospital-a"}}': 300
        for name in ("missing_pulses", "missing_portraits", "without_pulse_seconds", "pulse_pace_seconds")
    },
    **{f'segwatch_ready{{service="{service}"}}': 1 for service in (*STAGES, "ingest", "federation")},
    'segwatch_log_partitions{state="offline"}': 0,
    'kubelet_volume_stats_available_bytes{namespace="segwatch",persistentvolumeclaim="store"}': 5e9,
    'kubelet_volume_stats_capacity_bytes{namespace="segwatch",persistentvolumeclaim="store"}': 1e10,
    'segwatch_bridge_tasks{state="running"}': 1,
    "segwatch_bridge_waiting_records": 0,
    'segwatch_disk_free_bytes{disk="audit"}': 5e9,
    'segwatch_disk_size_bytes{disk="audit"}': 1e10,
    'segwatch_certificate_expiry_timestamp_seconds{file="/keys/tls.crt"}': 4e9,
    'segwatch_site_policy_info{version="1"}': 1,
    'segwatch_site_policy_epsilon{part="count"}': 1,
    'segwatch_site_policy_block_studies{kind="pulse"}': 20,
    'segwatch_build_info{service="aggregation",version="1",namespace="segwatch"}': 1,
    'segwatch_scoring_scorer{role="counts",scorer="demo",sha256="0"}': 1,
}
COUNTERS: tuple[str, ...] = (
    *(f'segwatch_stage_messages_total{{stage="{stage}",outcome="done"}}' for stage in STAGES),
    *(f'segwatch_stage_seconds_bucket{{stage="{stage}",le="1.0"}}' for stage in STAGES),
    *(f'segwatch_stage_seconds_bucket{{stage="{stage}",le="+Inf"}}' for stage in STAGES),
    *(f'segwatch_stage_seconds_sum{{stage="{stage}"}}' for stage in STAGES),
    *(f'segwatch_stage_seconds_count{{stage="{stage}"}}' for stage in STAGES),
    'segwatch_stage_retries_total{stage="features",error="StoreUnavailable"}',
    'segwatch_dead_letters_total{stage="features",error="missing_object"}',
    'segwatch_ingest_studies_total{outcome="announced"}',
    'segwatch_ingest_studies_total{outcome="rejected"}',
    'segwatch_segmentation_studies_total{lesion_source="model",lung_method="classical"}',
    'segwatch_features_studies_total{status="measured"}',
    'segwatch_scoring_studies_total{verdict="good"}',
    'segwatch_scoring_shadow_studies_total{verdict="good"}',
    'segwatch_scoring_predicted_dice_bucket{le="0.8"}',
    'segwatch_scoring_predicted_dice_bucket{le="+Inf"}',
    "segwatch_scoring_predicted_dice_count",
    'segwatch_scoring_pipeline_seconds_bucket{le="300.0"}',
    'segwatch_scoring_pipeline_seconds_bucket{le="+Inf"}',
    'segwatch_site_blocks_released_total{kind="pulse"}',
    "segwatch_site_late_versions_total",
    'segwatch_stage_retries_total{stage="federation",error="LogUnavailable"}',
    'segwatch_stage_lost_records_total{stage="features",topic="x"}',
    'segwatch_stage_topics_remade_total{stage="features",topic="x"}',
)


PAST: tuple[str, ...] = (
    'segwatch_ingest_studies_total{site="hospital-a",outcome="announced"}',
    'segwatch_scoring_pipeline_seconds_bucket{site="hospital-a",le="300.0"}',
)
"""What some rules ask of a while ago."""


def past(now: float, minutes: int = 30) -> str:
    """The counters of PAST a minute apart up to now, as OpenMetrics that promtool makes blocks of."""
    lines = []
    for series in PAST:
        lines.append(f"# TYPE {series.partition('{')[0].removesuffix('_total')} unknown")
        lines += [f"{series} {minute} {now - 60 * (minutes - minute):.0f}" for minute in range(minutes)]
    return "\n".join(lines) + "\n# EOF\n"


def exposition(times_asked: int) -> str:
    """What a scrape is answered; counters grow by one from one to the next."""
    lines = [f"{series} {value}" for series, value in GAUGES.items()]
    lines += [f"{series} {times_asked}" for series in COUNTERS]
    return "\n".join(lines) + "\n"


class SampleExporter:
    """Serves `exposition` on a free port."""

    def __init__(self) -> None:
        asked: Iterator[int] = count(1)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = exposition(next(asked)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
