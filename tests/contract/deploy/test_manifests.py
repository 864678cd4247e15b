"""Both overlays render, keep to their schemas, and hold what the code says they must."""

import ipaddress
import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft202012Validator

from deploy.local.kafka.bridge import connector_settings
from deploy.local.kafka.log_address import LogAddress
from deploy.local.stack.hospital import Hospital
from deploy.manifests.__main__ import rendered as written
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.topics import (
    FOREVER,
    ONE_PARTITION,
    RELEASE,
    SITE_TOPICS,
    WITH_DEAD_LETTERS,
    dead_letters,
)
from tests.support.one_pulse import SETTINGS
from tests.support.service_settings import SERVICES

OVERLAYS = ("hospital", "central")
WITHOUT_SCHEMA = {"KafkaConnector"}
"""Strimzi's CRDs at hand hold none for it; its settings are compared with those that run locally."""


def of_kind(manifests, kind):
    return {each["metadata"]["name"]: each for each in manifests if each["kind"] == kind}


def is_custom(manifest):
    group = manifest["apiVersion"].split("/")[0]
    return "." in group and not group.endswith(".k8s.io")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_core_kinds_keep_to_kubernetes_schemas(rendered, overlay):
    core = [each for each in rendered(overlay) if not is_custom(each)]

    assert core
    for manifest in core:
        kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_custom_kinds_keep_to_their_operators_schemas(rendered, crd_schemas, overlay):
    checked = set()
    for manifest in filter(is_custom, rendered(overlay)):
        group, version = manifest["apiVersion"].split("/")
        kind = manifest["kind"]
        if kind in WITHOUT_SCHEMA:
            continue
        schema = json.loads(
            (crd_schemas / f"{kind.lower()}-{group.split('.')[0]}-{version}.json").read_text()
        )
        errors = [error.message for error in Draft202012Validator(schema).iter_errors(manifest)]
        assert not errors, (kind, manifest["metadata"]["name"])
        checked.add(kind)

    assert {"Kafka", "KafkaNodePool", "KafkaTopic", "KafkaUser", "PodMonitor", "PrometheusRule"} <= checked


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_lies_in_the_overlays_own_namespace(rendered, overlay):
    manifests = rendered(overlay)
    (namespace,) = of_kind(manifests, "Namespace")

    assert {each["metadata"]["namespace"] for each in manifests if each["kind"] != "Namespace"} == {namespace}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_line_of_the_edited_file_reaches_a_manifest(rendered, root, tmp_path, overlay):
    """A replacement whose target has another name is left out by kustomize without a word."""
    text = json.dumps(rendered(overlay))
    lines = (root / "k8s" / "overlays" / overlay / f"{overlay}.env").read_text().splitlines()
    names = [line.partition("=")[0] for line in lines if line and not line.startswith("#")]
    # Numbers, since replicas take nothing else.
    edited = {name: str(9_876_500 + number) for number, name in enumerate(names)}
    found = json.dumps(other_settings(root, tmp_path, overlay, **edited))

    assert "set by the overlay" not in text
    assert ":latest" not in text
    assert [name for name, value in edited.items() if value not in found] == []


def test_the_generated_manifests_are_current():
    stale = [str(path) for path, text in written().items() if path.read_text() != text]

    assert not stale, "run `python -m deploy.manifests`"


def test_a_hospital_has_every_topic_of_the_contracts(rendered):
    topics = of_kind(rendered("hospital"), "KafkaTopic")

    for name in (*SITE_TOPICS, *map(dead_letters, WITH_DEAD_LETTERS)):
        assert topics[name]["spec"]["config"]["cleanup.policy"] == "delete", "a compacted log forgets"
    for name in ONE_PARTITION:
        assert topics[name]["spec"]["partitions"] == 1
    for name in FOREVER:
        assert topics[name]["spec"]["config"]["retention.ms"] == -1
        assert topics[name]["spec"]["config"]["retention.bytes"] == -1
    # A broker's own time stamp would tell the centre when a block was full, to the millisecond.
    assert topics[RELEASE]["spec"]["config"]["message.timestamp.type"] == "CreateTime"


def test_every_replica_keeps_what_one_lost(rendered):
    for overlay in OVERLAYS:
        for name, topic in of_kind(rendered(overlay), "KafkaTopic").items():
            assert topic["spec"]["replicas"] > topic["spec"]["config"]["min.insync.replicas"] > 1, name


def test_the_connector_is_the_one_that_runs_locally_with_certificates_added(rendered):
    connector = of_kind(rendered("hospital"), "KafkaConnector")["release-bridge"]["spec"]
    here = connector_settings(
        "hospital-a",
        hospital=LogAddress(bootstrap="log-kafka-bootstrap:9093"),
        centre=LogAddress(bootstrap="kafka.centre.example:9094"),
    )
    told = {
        name: str(value).replace("True", "true").replace("False", "false")
        for name, value in connector["config"].items()
    }
    locally = {
        name: value for name, value in here.items() if name not in {"name", "connector.class", "tasks.max"}
    }

    assert connector["class"] == here["connector.class"]
    assert str(connector["tasksMax"]) == here["tasks.max"]
    assert {
        name: value for name, value in told.items() if ".ssl." not in name and "protocol" not in name
    } == locally
    assert all(value == "SSL" for name, value in told.items() if name.endswith("security.protocol"))


def test_no_other_offset_syncs_setting_stops_the_connector(rendered):
    config = of_kind(rendered("hospital"), "KafkaConnector")["release-bridge"]["spec"]["config"]

    assert [name for name in config if "offset-syncs" in name] == ["emit.offset-syncs.enabled"]


def test_the_connector_copies_the_release_topic_and_nothing_else(rendered):
    pattern = of_kind(rendered("hospital"), "KafkaConnector")["release-bridge"]["spec"]["config"]["topics"]
    every = {*SITE_TOPICS, *map(dead_letters, WITH_DEAD_LETTERS), "segwatchXsiteXreleaseXv1"}

    assert [name for name in every if re.fullmatch(pattern, name)] == ["segwatch.site.release.v1"]


def test_the_policy_that_is_delivered_is_the_safe_default_in_full_and_tells_what_got_no_score(rendered):
    (policy,) = (
        each for name, each in of_kind(rendered("hospital"), "ConfigMap").items() if name.startswith("policy")
    )
    delivered = yaml.safe_load(policy["data"]["policy.yaml"])

    assert SitePolicy.model_validate(delivered, strict=False) == SitePolicy(version="2", epsilon_unscored=0.5)
    assert set(delivered) == set(SitePolicy.model_fields)


def changed_by(component, rendered, root, folder):
    """What a component of the overlay's user changes in a hospital, by kind and name; what it is then."""
    k8s = Path(os.path.relpath(root / "k8s", folder))
    overlay = {
        "resources": [str(k8s / "overlays/hospital")],
        "components": [str(k8s / "components" / component)],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    command = ["kubectl", "kustomize", str(folder)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    changed = [each for each in yaml.safe_load_all(text) if each not in rendered("hospital")]
    return {(each["kind"], each["metadata"]["name"].partition("-")[0]): each for each in changed}


def test_the_gpu_component_adds_a_gpu_to_segmentation_and_changes_nothing_else(rendered, root, tmp_path):
    changed = changed_by("gpu", rendered, root, tmp_path)

    assert set(changed) == {("StatefulSet", "segmentation")}
    (container,) = changed["StatefulSet", "segmentation"]["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"] == {"memory": "16Gi", "nvidia.com/gpu": 1}


def test_ingests_doors_show_a_certificate_as_they_do_locally(rendered, tmp_path):
    hospital = Hospital("hospital-a", tmp_path, replace(SETTINGS, doors=True), embedded=False)
    locally = {name.removeprefix("SEGWATCH_") for name in hospital.services[0].recipe().env}
    manifests = of_kind(rendered("hospital"), "ConfigMap")
    (told,) = (each["data"] for name, each in manifests.items() if name.startswith("ingest-settings"))

    assert {"TLS_CERT_FILE", "TLS_KEY_FILE", "DICOM_PORT", "STOW_PORT"} <= locally
    assert all(told[f"SEGWATCH_{name}"] for name in ("TLS_CERT_FILE", "TLS_KEY_FILE"))


def test_plain_doors_are_asked_for_and_change_nothing_else(rendered, root, tmp_path):
    changed = changed_by("plain-doors", rendered, root, tmp_path)
    told = changed["ConfigMap", "ingest"]["data"]
    pod = changed["Deployment", "ingest"]["spec"]["template"]["spec"]

    assert set(changed) == {("ConfigMap", "ingest"), ("Deployment", "ingest")}
    assert not told["SEGWATCH_TLS_CERT_FILE"]
    assert not told["SEGWATCH_TLS_KEY_FILE"]
    assert "doors" not in {volume["name"] for volume in pod["volumes"]}


def test_no_key_is_written_twice_in_a_manifest(root):
    """PyYAML and kubectl differ in which of two equal keys they take."""
    for path in (root / "k8s").rglob("*.yaml"):
        for node in yaml.compose_all(path.read_text()):
            assert not list(_doubled(node)), path


def _doubled(node):
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        yield from (key for key in keys if keys.count(key) > 1)
        for _, value in node.value:
            yield from _doubled(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _doubled(value)


def test_example_networks_are_addresses_that_nobody_has(root):
    text = (root / "k8s/overlays/hospital/hospital.env").read_text()
    documentation = [ipaddress.ip_network(each) for each in ("192.0.2.0/24", "198.51.100.0/24")]

    found = [ipaddress.ip_network(each) for each in re.findall(r"_NETWORK=(\S+)", text)]

    assert found == documentation, "a real address as a default would open a door to a stranger"


PREFIXES = ("radiology", "registry:5000/radiology", "registry.example/a/b/c", "192.0.2.4:5000")


def other_settings(root, folder, overlay, **lines):
    """The overlay as rendered after somebody has edited lines of its file."""
    shutil.copytree(root / "k8s", folder / "k8s")
    file = folder / "k8s" / "overlays" / overlay / f"{overlay}.env"
    text = file.read_text()
    for name, value in lines.items():
        text = re.sub(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
    file.write_text(text)
    command = ["kubectl", "kustomize", str(file.parent)]
    return list(
        yaml.safe_load_all(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    )


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("prefix", PREFIXES)
def test_images_come_from_whatever_registry_the_edited_file_names(rendered, root, tmp_path, overlay, prefix):
    assert rendered(overlay)
    found = {
        container["image"]
        for each in other_settings(root, tmp_path, overlay, IMAGES=prefix, VERSION="1.2.3")
        if each["kind"] in {"Deployment", "StatefulSet"}
        for container in each["spec"]["template"]["spec"]["containers"]
    }
    services = (
        ("federation",) if overlay == "central" else [name for name in SERVICES if name != "federation"]
    )

    assert found == {f"{prefix}/{name}:1.2.3" for name in services}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_pod_that_never_becomes_ready_does_not_stand_in_the_way_of_the_next(rendered, overlay):
    for name, each in of_kind(rendered(overlay), "StatefulSet").items():
        assert each["spec"]["podManagementPolicy"] == "Parallel", name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_service_may_be_drained_one_pod_at_a_time(rendered, overlay):
    manifests = rendered(overlay)
    services = {
        name
        for kind in ("Deployment", "StatefulSet")
        for name in of_kind(manifests, kind)
        if name != "operator"
    }
    budgets = of_kind(manifests, "PodDisruptionBudget")

    assert set(budgets) == services
    for name, budget in budgets.items():
        assert budget["spec"]["selector"]["matchLabels"] == {"app.kubernetes.io/name": name}
        assert budget["spec"]["maxUnavailable"] == 1


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_brokers_are_on_different_nodes_and_of_the_version_that_is_tested(rendered, root, overlay):
    manifests = rendered(overlay)
    (pool,) = of_kind(manifests, "KafkaNodePool").values()
    (kafka,) = of_kind(manifests, "Kafka").values()
    apart = pool["spec"]["template"]["pod"]["affinity"]["podAntiAffinity"]
    (rule,) = apart["requiredDuringSchedulingIgnoredDuringExecution"]

    assert rule["topologyKey"] == "kubernetes.io/hostname"
    assert (
        f"<kafka.version>{kafka['spec']['kafka']['version']}</kafka.version>"
        in (root / "deploy/local/machine/pom.xml").read_text()
    )


@pytest.mark.parametrize(("overlay", "service"), [("hospital", "aggregation"), ("central", "federation")])
def test_one_service_after_the_other_can_be_upgraded_by_its_label(rendered, overlay, service):
    """`kubectl apply -l app.kubernetes.io/name=NAME` brings the workload, and nothing that others need."""
    others = [
        each
        for each in rendered(overlay)
        if each["metadata"].get("labels", {}).get("app.kubernetes.io/part-of") != "segwatch"
    ]
    its = [
        each["kind"]
        for each in rendered(overlay)
        if each["metadata"].get("labels", {}).get("app.kubernetes.io/name") == service
    ]

    assert {"ConfigMap", "Kafka", "KafkaTopic", "NetworkPolicy"} <= {each["kind"] for each in others}
    assert "PodDisruptionBudget" in its
    assert {"Deployment", "StatefulSet"} & set(its)
    assert not {"ConfigMap", "KafkaTopic"} & set(its)


def kustomized(folder):
    command = ["kubectl", "kustomize", str(folder)]
    return list(
        yaml.safe_load_all(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    )


def test_a_hospitals_own_overlay_sets_what_its_cluster_asks_for(rendered, root):
    assert rendered("hospital")
    manifests = kustomized(root / "examples/k8s/own-cluster")
    pods = {
        name: each["spec"]["template"]["spec"]
        for kind in ("Deployment", "StatefulSet")
        for name, each in of_kind(manifests, kind).items()
    }
    rules = [
        rule
        for each in of_kind(manifests, "PrometheusRule").values()
        for group in each["spec"]["groups"]
        for rule in group["rules"]
    ]

    assert set(of_kind(manifests, "Namespace")) == {"radiology-quality"}
    assert {rule["labels"]["namespace"] for rule in rules if "alert" in rule} == {"radiology-quality"}
    assert {pod["securityContext"]["runAsUser"] for pod in pods.values()} == {20001}
    assert pods["ingest"]["containers"][0]["image"].startswith("registry.example/radiology/ingest@sha256:")
    assert of_kind(manifests, "ServiceAccount")["segwatch"]["imagePullSecrets"] == [{"name": "registry"}]
    assert {each["spec"]["storageClassName"] for each in of_kind(manifests, "PersistentVolumeClaim").values()}
    assert all(pod["priorityClassName"] == "segwatch" for name, pod in pods.items() if name != "operator")
    assert of_kind(manifests, "PriorityClass")


def test_keda_is_asked_for_and_scales_no_further_than_there_are_partitions(rendered, root, tmp_path):
    changed = changed_by("keda", rendered, root, tmp_path)
    topics = of_kind(rendered("hospital"), "KafkaTopic")
    scaled = {name: each for (kind, name), each in changed.items() if kind == "ScaledObject"}

    assert not any(each["kind"] == "ScaledObject" for each in rendered("hospital"))
    assert set(scaled) == {"segmentation", "features"}
    for name, each in scaled.items():
        (trigger,) = each["spec"]["triggers"]
        assert trigger["metadata"]["consumerGroup"] == f"segwatch.{name}"
        partitions = topics[trigger["metadata"]["topic"]]["spec"]["partitions"]
        assert each["spec"]["maxReplicaCount"] == partitions
