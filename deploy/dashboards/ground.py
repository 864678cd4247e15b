"""What every Prometheus of ours watches beside its own services: Kafka, disks, certificates, alerts."""

from deploy.dashboards.panels import WHOLE_WIDTH, Curves


def ground(of: str) -> list[Curves]:
    """The panels of what services stand on; `of` selects what is shown."""
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
            {"{{disk}}": f"min by (disk) (segwatch_disk_free_bytes{of} / segwatch_disk_size_bytes{of})"},
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
