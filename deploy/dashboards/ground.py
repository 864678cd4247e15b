"""What every Prometheus of ours watches beside its own services: Kafka, disks, certificates, alerts."""

from deploy.dashboards.panels import WHOLE_WIDTH, Curves

IN_A_HOSPITAL = {"{{disk}}": "min by (disk) (segwatch_disk_free_bytes{of} / segwatch_disk_size_bytes{of})"}
"""Of the disks that services see themselves."""
IN_KUBERNETES = {
    "{{persistentvolumeclaim}}": (
        "min by (persistentvolumeclaim) ("
        "kubelet_volume_stats_available_bytes / kubelet_volume_stats_capacity_bytes"
        " and on (namespace) segwatch_build_info)"
    )
}
"""Of every claim of a namespace that is ours, Kafka's among them."""


def ground(of: str, *, disks: bool) -> list[Curves]:
    """The panels of what services stand on.

    Args:
        of: selects what is shown.
        disks: whether a service there has a disk of its own.
    """
    seen = {legend: asked.replace("{of}", of) for legend, asked in IN_A_HOSPITAL.items()} if disks else {}
    ends = "segwatch_certificate_expiry_timestamp_seconds"
    return [
        Curves(
            "Kafka's partitions that are not as they should be",
            "Offline: without a leader, neither read nor written. Under-replicated: with too few copies.",
            {"{{state}}": f"max by (state) (segwatch_log_partitions{of})"},
            alerts=("SegwatchKafkaPartitionsOffline", "SegwatchKafkaUnderReplicated"),
        ),
        Curves(
            "Room on disks, share that is free",
            "Below 10 % a ticket, below 2 % a page. In Kubernetes every claim is watched too.",
            {**seen, **IN_KUBERNETES},
            "percentunit",
            alerts=("SegwatchDiskFilling", "SegwatchDiskFull"),
        ),
        Curves(
            "Days until certificates end",
            "Of those that services show or trust, as the files have it. A ticket at 21 days, a page at 7.",
            {"{{file}}": f"(min by (file) ({ends}{of}) - time()) / 86400"},
            "d",
            alerts=("SegwatchCertificateEnding", "SegwatchCertificateEndsSoon"),
        ),
        Curves(
            "Alerts that fire",
            "SegwatchWatchdog fires always: it proves the way to the pager. Each alert has its runbook.",
            {"{{alertname}} {{site}}": 'max by (alertname, site) (ALERTS{alertstate="firing"})'},
            "none",
            width=WHOLE_WIDTH,
            alerts=("SegwatchWatchdog",),
        ),
    ]
