"""The chart is the overlay: by its default values helm renders what kustomize does, but for names' hashes."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.helm.__main__ import CHART, HASHED, chart
from deploy.local.machine import binaries

Objects = dict[tuple[str, str], dict[str, Any]]


def helm(*words: str) -> str:
    program = binaries.find(binaries.HELM)
    if program is None:
        pytest.skip("helm is not here: `make helm` builds it")
    done = subprocess.run([str(program), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


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
    command = ["kubectl", "kustomize", str(Path(__file__).parents[3] / "k8s/overlays/hospital")]
    overlay = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    expected = by_name(HASHED.sub(r"\1", overlay))
    namespace = expected.pop(("Namespace", "segwatch"))

    found = template()
    for each in found.values():
        notes = each.get("spec", {}).get("template", {}).get("metadata", {}).pop("annotations", {})
        assert set(notes) <= {"checksum/settings"}

    assert found == expected
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


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


def test_small_is_one_broker_on_one_node():
    found = template("--values", str(CHART / "values-small.yaml"))

    assert found["KafkaNodePool", "node"]["spec"]["replicas"] == 1
    config = found["Kafka", "log"]["spec"]["kafka"]["config"]
    assert config["default.replication.factor"] == config["min.insync.replicas"] == 1
    topics = [each["spec"] for (kind, _), each in found.items() if kind == "KafkaTopic"]
    assert {(each["replicas"], each["config"].get("min.insync.replicas", 1)) for each in topics} == {(1, 1)}
    modes = {
        tuple(each["spec"]["accessModes"])
        for (kind, _), each in found.items()
        if kind == "PersistentVolumeClaim"
    }
    assert modes == {("ReadWriteOnce",)}
    assert ("Deployment", "operator") not in found


def test_another_operators_objects_can_be_left_out():
    kinds = {kind for kind, _ in template("--set", "strimzi=false,prometheusOperator=false")}
    assert kinds <= {
        "ConfigMap",
        "Deployment",
        "NetworkPolicy",
        "PersistentVolumeClaim",
        "Service",
        "ServiceAccount",
        "StatefulSet",
    }


def test_helm_finds_nothing_wrong():
    assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART))
