"""Faults that only a cluster shows, through a kubectl that answers from a rendered overlay's objects."""

import base64
import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from segwatch.errors import BadInput
from segwatch.preflight.cluster import cluster_checks, kubectl
from segwatch.preflight.findings import Finding, findings_of
from segwatch.streaming.authority import Authority
from tests.unit.preflight.test_overlays import Objects, rendered

__all__ = ["rendered"]
ALL = {
    "podMonitorSelector": {},
    "podMonitorNamespaceSelector": {},
    "ruleSelector": {},
    "ruleNamespaceSelector": {},
}
BY_DEFAULT = {"storageclass.kubernetes.io/is-default-class": "true"}
WELL = {"check": "disk", "state": "ok", "what": "room", "remedy": ""}
UNSEEN = {"check": "retention", "state": "unknown", "what": "3 topics", "remedy": "ask as platform"}
"""As each pod on a real cluster says, whose principal may not see how topics are kept."""
KINDS = {
    "configmaps": "ConfigMap",
    "deployments": "Deployment",
    "statefulsets": "StatefulSet",
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "networkpolicies": "NetworkPolicy",
    "kafkatopics": "KafkaTopic",
    "kafkausers": "KafkaUser",
    "kafkaconnectors": "KafkaConnector",
    "podmonitors": "PodMonitor",
    "prometheusrules": "PrometheusRule",
}


class Kubectl:
    """Answers as kubectl does; `lists` may be changed to plant a fault."""

    def __init__(self, objects: Objects, authority: Authority) -> None:
        pair = authority.issue("doors")
        secrets = {
            "ingest-doors": {"tls.crt": pair.certificate.read_bytes(), "tls.key": pair.key.read_bytes()},
            "ingest-secrets": {"pseudonym-secret": b"x" * 32, "stow-token": b"y" * 32},
            "centre-access": {"ca.crt": authority.trusted.read_bytes(), "user.pem": pair.store.read_bytes()},
        }
        self.lists: dict[str, list[Any]] = {
            **{
                name: [copy.deepcopy(each) for each in objects if each["kind"] == kind]
                for name, kind in KINDS.items()
            },
            "secrets": [
                named(name, data={key: base64.b64encode(value).decode() for key, value in data.items()})
                for name, data in secrets.items()
            ],
            "storageclasses": [named("nfs", provisioner="nfs.csi.k8s.io", notes=BY_DEFAULT)],
            "namespaces": [named("segwatch"), named("monitoring")],
            "leases": [named("node-1", spec={"renewTime": ago(5)})],
            "prometheuses": [named("main", spec={**ALL, "alerting": {"alertmanagers": [{"name": "main"}]}})],
            "alertmanagers": [named("main", status={"availableReplicas": 1})],
        }
        self.pods: dict[str, str] = {}

    def __call__(self, *words: str) -> str:
        if words[0] == "exec":
            if words[3] not in self.pods:
                return json.dumps({"exit": 0, "findings": [WELL, UNSEEN]})
            raise BadInput(self.pods[words[3]])
        return json.dumps({"items": self.lists[words[1].partition(".")[0]]})


def named(name: str, *, notes: dict[str, str] | None = None, **rest: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "monitoring", "annotations": notes or {}}, **rest}


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.fixture
def cluster(rendered: Objects, tmp_path: Path) -> Kubectl:
    return Kubectl(rendered, Authority(tmp_path, "site"))


def looked(run: Kubectl) -> list[Finding]:
    return [each for check in cluster_checks(run, "segwatch", 40) for each in findings_of(check)]


def test_a_sound_cluster_has_no_fault(cluster: Kubectl):
    assert [each for each in looked(cluster) if each.state in ("fault", "unknown")] == []


def first(name: str) -> Callable[[Kubectl], dict[str, Any]]:
    return lambda cluster: cluster.lists[name][0]


def without_ca(cluster: Kubectl) -> None:
    (access,) = (each for each in cluster.lists["secrets"] if each["metadata"]["name"] == "centre-access")
    del access["data"]["ca.crt"]


PLANTED: dict[str, tuple[str, str, Callable[[Kubectl], object]]] = {
    "a node's clock": ("clock", "node-1", lambda c: first("leases")(c)["spec"].update(renewTime=ago(-300))),
    "a late node": ("clock", "node-1", lambda c: first("leases")(c)["spec"].update(renewTime=ago(330))),
    "a disk of one node": (
        "storage",
        "cannot share",
        lambda c: first("storageclasses")(c).update(provisioner="ebs.csi.aws.com"),
    ),
    "no class": ("storage", "no storage class", lambda c: c.lists["storageclasses"].clear()),
    "not picked up": (
        "prometheus",
        "picked up by none",
        lambda c: first("prometheuses")(c)["spec"].pop("podMonitorNamespaceSelector"),
    ),
    "no Prometheus": ("prometheus", "no Prometheus", lambda c: c.lists["prometheuses"].clear()),
    "no Alertmanager": ("alertmanager", "no Alertmanager", lambda c: c.lists["alertmanagers"].clear()),
    "no authority": ("ca", "centre-access lacks ca.crt", without_ca),
    "no Secret": ("secret", "lacks", lambda c: c.lists["secrets"].clear()),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_fault_of_the_cluster_is_found_and_named(cluster: Kubectl, planted: str):
    check, words, plant = PLANTED[planted]
    plant(cluster)

    faults = [each for each in looked(cluster) if each.state == "fault"]

    assert any(each.check == check and words in each.what and each.remedy for each in faults), faults


@pytest.mark.parametrize(("word", "counts"), [("exec", True), ("get", False)])
def test_what_a_pod_says_counts_however_it_ends_and_half_a_list_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, counts: bool
):
    program = tmp_path / "kubectl"  # as kubectl answers where listing is forbidden
    program.write_text("#!/bin/sh\necho '{\"items\": []}'; echo Forbidden >&2; exit 2\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    if counts:
        assert json.loads(kubectl(None, word)) == {"items": []}
    else:
        with pytest.raises(BadInput, match="Forbidden"):
            kubectl(None, word)


def test_a_pod_that_cannot_be_asked_is_unknown_and_not_well(cluster: Kubectl):
    cluster.pods["statefulset/scoring"] = "container not found"

    assert [each.what for each in looked(cluster) if each.state == "unknown"] == [
        "statefulset/scoring could not be asked: container not found"
    ]
