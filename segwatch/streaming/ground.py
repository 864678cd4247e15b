"""What a process stands on, shown before it is missed: room on its disks, how long certificates hold."""

import shutil
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from segwatch.streaming.certificate_files import decoded


class GroundCollector(Collector):
    """Looks at each scrape; what cannot be looked at now has no sample.

    Args:
        disks: folders, by what they are called in `disk`.
        certificates: PEM files, by what they are called in `file`; None where there is none.
    """

    def __init__(self, disks: Mapping[str, Path], certificates: Mapping[str, Path | None]) -> None:
        self._disks = disks
        self._certificates = certificates

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked at registration."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Room and size of each disk, and the end of each certificate."""
        free = GaugeMetricFamily("segwatch_disk_free_bytes", "Room on the disk of a folder.", labels=["disk"])
        size = GaugeMetricFamily("segwatch_disk_size_bytes", "Size of the disk of a folder.", labels=["disk"])
        for name, folder in self._disks.items():
            try:
                usage = shutil.disk_usage(folder)
            except OSError:
                continue
            free.add_metric([name], usage.free)
            size.add_metric([name], usage.total)
        ends = GaugeMetricFamily(
            "segwatch_certificate_expiry_timestamp_seconds",
            "When the certificate in a file ends, as a Unix time.",
            labels=["file"],
        )
        for name, file in self._certificates.items():
            end = None if file is None else end_of(file)
            if end is not None:
                ends.add_metric([name], end)
        yield from (free, size, ends)


def folder_of(store: str) -> dict[str, Path]:
    """The store as a disk; nothing where it is behind a URL, whose room is its own keeper's to watch."""
    return {} if "://" in store else {"store": Path(store)}


def end_of(certificate: Path) -> float | None:
    """When the first certificate of a PEM file ends, as a Unix time; None where it cannot be read."""
    try:
        return float(ssl.cert_time_to_seconds(decoded(certificate)["notAfter"]))
    except (OSError, KeyError, ValueError):
        return None
