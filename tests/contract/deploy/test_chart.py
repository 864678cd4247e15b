"""The chart is the overlay: by its default values helm renders what kustomize does, but for names' hashes."""

import re
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from deploy.helm.__main__ import CHART, HASHED, MONITORING, STRIMZI, chart
from tests.support.helm import helm

Objects = dict[tuple[str, str], dict[str, Any]]


def kustomized(overlay: str) -> Objects:
    """What kustomize makes of an overlay, without names' hashes; the namespace is not the chart's."""
    command = ["kubectl", "kustomize", str(Path(__file__).parents[3] / "k8s/overlays" / overlay)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = by_name(HASHED.sub(r"\1", text))
    del found["Namespace", "segwatch"]
    return found


def without_checksums(found: Objects) -> Objects:
    """Pods' notes are in the place of names' hashes."""
    for each in found.values():
        notes = each.get("spec", {}).get("template", {}).get("metadata", {}).pop("annotations", {})
        assert set(notes) <= {"checksum/settings"}
    return found


def by_name(text: str) -> Objects:
    return {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(text) if each}


def template(*words: str) -> Objects:
    return by_name(helm("template", "segwatch", str(CHART), "--namespace", "segwatch", *words))


def test_the_chart_in_the_repository_is_the_one_that_is_made():
    there = {str(path.relative_to(CHART)): path.read_text() for path in CHART.rglob("*") if path.is_file()}
    assert there == chart()


def test_no_mark_is_left_and_each_value_that_is_used_is_given():
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    text = "".join(path.read_text() for path in (CHART / "templates").iterdir())

    assert not re.search(r"zz\w+zz", text)
    assert set(re.findall(r"\.Values\.(\w+)", text)) == set(values)


def test_helm_renders_what_kustomize_does():
    assert without_checksums(template()) == kustomized("hospital")


def test_small_is_what_kustomize_makes_of_the_overlay_small():
    found = without_checksums(template("--values", str(CHART / "values-small.yaml")))

    assert found == kustomized("small")
    assert {kind for kind, _ in found}.isdisjoint({*STRIMZI, *MONITORING})


def test_kafkas_image_comes_from_where_it_is_said_to():
    own = "registry:5000/kafka:4"
    found = template("--values", str(CHART / "values-small.yaml"), "--set", f"kafka.image={own}")

    for key in (("StatefulSet", "log-node"), ("Deployment", "bridge-connect")):
        (container,) = found[key]["spec"]["template"]["spec"]["containers"]
        assert container["image"] == own


def test_small_with_prometheus_operator_has_the_services_monitor_and_rules():
    found = template("--values", str(CHART / "values-small.yaml"), "--set", "prometheusOperator=true")

    assert [name for kind, name in found if kind == "PodMonitor"] == ["segwatch"]
    assert ("PrometheusRule", "segwatch-hospital") in found


def test_a_value_goes_where_the_overlays_line_goes():
    found = template(
        "--set", "site=st-elsewhere,images=registry:5000/a,version=2,storageClass=nfs,storeSize=2Ti"
    )

    assert found["ConfigMap", "common"]["data"]["SEGWATCH_SITE"] == "st-elsewhere"
    connector = found["KafkaConnector", "release-bridge"]["spec"]["config"]
    assert connector["source.cluster.alias"] == "st-elsewhere"
    pod = found["StatefulSet", "scoring"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "registry:5000/a/scoring:2"
    claim = found["PersistentVolumeClaim", "store"]["spec"]
    assert (claim["storageClassName"], claim["resources"]["requests"]["storage"]) == ("nfs", "2Ti")


def test_copies_and_acknowledgements_follow_the_number_of_strimzis_brokers():
    found = template("--set", "kafka.brokers=1")

    assert found["KafkaNodePool", "node"]["spec"]["replicas"] == 1
    config = found["Kafka", "log"]["spec"]["kafka"]["config"]
    assert config["default.replication.factor"] == config["min.insync.replicas"] == 1
    topics = [each["spec"] for (kind, _), each in found.items() if kind == "KafkaTopic"]
    assert {(each["replicas"], each["config"].get("min.insync.replicas", 1)) for each in topics} == {(1, 1)}


def test_another_operators_objects_can_be_left_out():
    kinds = {kind for kind, _ in template("--set", "strimzi=false,prometheusOperator=false")}
    assert kinds <= {
        "ConfigMap",
        "CronJob",
        "Deployment",
        "NetworkPolicy",
        "PersistentVolumeClaim",
        "PodDisruptionBudget",
        "Service",
        "ServiceAccount",
        "StatefulSet",
    }


@pytest.mark.parametrize("values", ["values.yaml", "values-small.yaml"])
def test_helm_finds_nothing_wrong(values):
    assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART), "--values", str(CHART / values))


@pytest.mark.parametrize("values", ["values.yaml", "values-small.yaml"])
def test_what_helm_renders_keeps_to_kubernetes_schemas(values):
    found = template("--values", str(CHART / values))
    for each in found.values():
        if "." not in each["apiVersion"].split("/")[0] or ".k8s.io" in each["apiVersion"]:
            kubernetes_validate.validate(each, kubernetes_validate.latest_version(), strict=True)
