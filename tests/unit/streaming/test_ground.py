"""What a process stands on is shown: room, certificates, and Kafka's partitions."""

from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry

from segwatch.streaming.ground import GroundCollector, end_of, folder_of
from segwatch.streaming.kafka.log import unwell
from tests.support.certificates import make_certificates


def test_room_and_certificates_are_shown_and_what_is_away_has_no_figure(tmp_path: Path) -> None:
    files = make_certificates(tmp_path)
    certificate = next(path for path in sorted(files.iterdir()) if "BEGIN CERT" in path.read_text())
    registry = CollectorRegistry()
    registry.register(
        GroundCollector(
            {"store": tmp_path, "gone": tmp_path / "gone"},
            {"cert": certificate, "none": None, "absent": tmp_path / "absent.pem"},
        )
    )
    value = registry.get_sample_value
    free, size = (value(f"segwatch_disk_{name}_bytes", {"disk": "store"}) for name in ("free", "size"))
    assert free is not None
    assert size is not None
    assert 0 < free <= size
    assert value("segwatch_disk_free_bytes", {"disk": "gone"}) is None
    name = "segwatch_certificate_expiry_timestamp_seconds"
    assert value(name, {"file": "cert"}) == end_of(certificate)
    assert (end_of(certificate) or 0) > datetime.now(UTC).timestamp()
    assert value(name, {"file": "none"}) is value(name, {"file": "absent"}) is None


def test_a_store_behind_an_address_is_no_disk_of_ours() -> None:
    assert folder_of("s3://bucket/prefix") == {}
    assert folder_of("/var/store") == {"store": Path("/var/store")}


def test_partitions_without_a_leader_or_with_too_few_copies_are_counted() -> None:
    def partition(leader: int, copies: int, in_step: int) -> dict[str, object]:
        return {
            "leader_id": leader,
            "replica_nodes": list(range(copies)),
            "isr_nodes": list(range(in_step)),
        }

    topics = [
        {"partitions": [partition(1, 3, 3), partition(2, 3, 2)]},
        {"partitions": [partition(-1, 3, 0), partition(1, 1, 1)]},
    ]
    assert unwell(topics) == {"offline": 1, "under_replicated": 2}
