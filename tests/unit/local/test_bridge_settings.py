"""What the bridge is told: one topic, and nothing at the centre but that."""

from pathlib import Path

from deploy.local.kafka.bridge import connector_settings, worker_settings
from deploy.local.kafka.log_address import LogAddress

HOSPITAL, CENTRE = LogAddress(bootstrap="127.0.0.1:1"), LogAddress(bootstrap="127.0.0.1:2")
SETTINGS = connector_settings("hospital-a", hospital=HOSPITAL, centre=CENTRE)


def test_only_the_release_topic_is_copied():
    assert SETTINGS["topics"] == r"segwatch\.site\.release\.v1"


def test_only_the_producer_and_its_admin_point_at_the_centre():
    pointing = {name for name, value in SETTINGS.items() if value == "127.0.0.1:2"}
    assert pointing == {
        "target.cluster.bootstrap.servers",
        "producer.override.bootstrap.servers",
        "admin.override.bootstrap.servers",
    }


def test_the_worker_belongs_to_the_hospital_and_makes_no_topics():
    worker = worker_settings(HOSPITAL, Path("/offsets"))
    assert worker["bootstrap.servers"] == "127.0.0.1:1"
    assert worker["topic.creation.enable"] == "false"


def test_the_only_offset_sync_setting_is_the_switch():
    """Another one, and the connector silently never starts."""
    assert [name for name in SETTINGS if "offset-syncs" in name] == ["emit.offset-syncs.enabled"]
    assert SETTINGS["emit.offset-syncs.enabled"] == "false"
