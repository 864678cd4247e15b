"""What a tool that prunes, a name removed from sites.txt, or one loud hospital must not do."""

import pytest
import yaml

from deploy.manifests.__main__ import rendered
from deploy.manifests.kafka_topics import NEVER_PRUNED
from deploy.server.kafka import properties
from segwatch.contracts.topics import is_forever
from segwatch.streaming.access import SITE_BYTES_A_SECOND
from tests.contract.deploy.conftest import ROOT

RECORDS = {"KafkaTopic": is_forever, "PersistentVolumeClaim": lambda _: True, "Namespace": lambda _: True}


def documents(file):
    return [each for each in yaml.safe_load_all(file.read_text()) if each]


@pytest.mark.parametrize(
    "file", sorted((ROOT / "k8s").rglob("*.yaml")), ids=lambda file: str(file.relative_to(ROOT))
)
def test_no_record_is_pruned_with_its_manifest(file):
    if file.name == "kustomization.yaml":
        return
    for each in documents(file):
        counts = RECORDS.get(each.get("kind", "")) if isinstance(each, dict) else None
        if counts is not None and counts(each["metadata"]["name"]):
            notes = each["metadata"].get("annotations", {})
            assert NEVER_PRUNED.items() <= notes.items(), each["metadata"]["name"]


def test_no_topic_can_be_deleted_where_the_record_is():
    kafka = next(each for each in documents(ROOT / "k8s/base/kafka.yaml") if each["kind"] == "Kafka")
    assert kafka["spec"]["kafka"]["config"]["delete.topic.enable"] is False
    assert "delete.topic.enable=false\n" in properties("hospital", {"SITE": "a"})


def test_each_hospital_has_a_limit_at_the_centre():
    text = next(text for path, text in rendered().items() if path.name == "sites.yaml")
    users = [each for each in yaml.safe_load_all(text) if each["kind"] == "KafkaUser"]

    limits = {each["metadata"]["name"]: each["spec"].get("quotas") for each in users}
    assert {limits.pop(name) for name in ("federation", "operator", "backup")} == {None}
    assert limits
    assert all(limit == {"producerByteRate": SITE_BYTES_A_SECOND} for limit in limits.values())
