"""Faults planted in a rendered overlay: each is found, in one line, and the command's exit code says so."""

import copy
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from segwatch.cli import app
from segwatch.contracts.topics import LEDGER, RECEIVED
from segwatch.preflight.findings import Finding, findings_of
from segwatch.preflight.manifests import Manifests
from segwatch.preflight.overlay import manifest_checks

ROOT = Path(__file__).resolve().parents[3]
Objects = list[dict[str, Any]]
Edit = Callable[[Objects], object]


@pytest.fixture(scope="module")
def rendered() -> Objects:
    """The hospital's overlay, with addresses of its own."""
    return of_overlay("hospital")


@pytest.fixture(scope="module")
def small() -> Objects:
    """The same without operators."""
    return of_overlay("small")


def of_overlay(name: str) -> Objects:
    command = ["kubectl", "kustomize", str(ROOT / "k8s/overlays" / name)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    addresses = {"192.0.2.0": "10.1.0.0", "198.51.100.0": "10.2.0.0", "kafka.centre.example": "10.2.0.1"}
    for example, own in addresses.items():
        text = text.replace(example, own)
    return list(yaml.safe_load_all(text))


def test_a_sound_overlay_has_no_fault(rendered: Objects):
    assert [each for each in looked(rendered) if each.state in ("fault", "unknown")] == []


def test_of_a_small_hospital_only_its_prometheus_cannot_be_seen(small: Objects):
    found = looked(small)

    assert [(each.check, each.state) for each in found if each.state in ("fault", "unknown")] == [
        ("prometheus", "unknown")
    ]
    assert {each.state for each in found if each.check in ("topic", "rights")} == {"unused"}


@pytest.mark.parametrize(
    ("check", "edit"),
    [
        ("storage", lambda pod: pod.pop("affinity")),
        ("site", lambda pod: pod["containers"][0]["env"][1].update(value="another")),
        ("address", lambda pod: pod["containers"][0]["env"][2].update(value="kafka.centre.example:1")),
    ],
)
def test_a_fault_planted_in_a_small_hospital_is_found(small: Objects, check: str, edit: Edit):
    objects = copy.deepcopy(small)
    kind, name = ("StatefulSet", "scoring") if check == "storage" else ("Deployment", "bridge-connect")
    edit(one(objects, kind, name)["spec"]["template"]["spec"])

    assert check in {each.check for each in looked(objects) if each.state == "fault"}


def one(objects: Objects, kind: str, name: str) -> dict[str, Any]:
    return next(
        each for each in objects if each["kind"] == kind and each["metadata"]["name"].startswith(name)
    )


def without(kind: str, name: str) -> Edit:
    return lambda objects: objects.remove(one(objects, kind, name))


def put(kind: str, name: str, *path: str, value: object) -> Edit:
    """Set what lies there."""

    def edit(objects: Objects) -> None:
        *way, last = path
        there: Any = one(objects, kind, name)
        for key in way:
            there = there[key]
        there[last] = value

    return edit


RETENTION = ("spec", "config", "retention.ms")
POLICY = ("data", "policy.yaml")
TO_THE_CENTRE = ("spec", "config", "producer.override.bootstrap.servers")
SIZE = ("spec", "resources", "requests", "storage")
CLAIM, TOPIC, USER = "PersistentVolumeClaim", "KafkaTopic", "KafkaUser"
PLANTED: dict[str, tuple[str, Edit]] = {
    "a topic is missing": ("topic", without(TOPIC, LEDGER)),
    "a topic forgets": ("retention", put(TOPIC, LEDGER, *RETENTION, value=1000)),
    "a topic is kept too short": ("retention", put(TOPIC, RECEIVED, *RETENTION, value=3600000)),
    "a topic that does not say how long": ("retention", put(TOPIC, LEDGER, "spec", "config", value={})),
    "a ledger in three partitions": ("topic", put(TOPIC, LEDGER, "spec", "partitions", value=3)),
    "no rights on a topic": ("rights", put(USER, "scoring", "spec", "authorization", "acls", value=[])),
    "no user": ("rights", without(USER, "features")),
    "an unshared claim": ("storage", put(CLAIM, "store", "spec", "accessModes", value=["ReadWriteOnce"])),
    "no claim": ("storage", without(CLAIM, "models")),
    "too small a claim": ("disk-size", put(CLAIM, "store", *SIZE, value="20Gi")),
    "no policy": ("policy", put("ConfigMap", "policy", *POLICY, value="")),
    "a loose policy": (
        "policy",
        put("ConfigMap", "policy", *POLICY, value="version: '1'\nepsilon_count: 9\n"),
    ),
    "two names": (
        "site",
        put("KafkaConnector", "release", "spec", "config", "source.cluster.alias", value="b"),
    ),
    "no value": (
        "settings",
        put("ConfigMap", "ingest-settings", "data", "SEGWATCH_A", value="set by the overlay"),
    ),
    "an example": (
        "address",
        put("KafkaConnector", "release", *TO_THE_CENTRE, value="kafka.centre.example:1"),
    ),
    "no PodMonitor": ("prometheus", without("PodMonitor", "segwatch")),
    "other pods": (
        "prometheus",
        put("PodMonitor", "segwatch", "spec", "selector", value={"matchLabels": {"a": "b"}}),
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_fault_is_found_and_named(rendered: Objects, planted: str):
    check, edit = PLANTED[planted]
    objects = copy.deepcopy(rendered)
    edit(objects)

    faults = [each for each in looked(objects) if each.state == "fault"]

    assert check in {each.check for each in faults}, faults
    assert all(each.remedy and "\n" not in each.line() for each in faults)


def test_the_commands_exit_code_says_what_it_found(rendered: Objects, tmp_path: Path):
    sound, broken, other = tmp_path / "sound.yaml", tmp_path / "broken.yaml", tmp_path / "other.yaml"
    sound.write_text(yaml.safe_dump_all(rendered))
    broken.write_text(yaml.safe_dump_all([each for each in rendered if each["kind"] != "KafkaTopic"]))
    other.write_text("a list of\n")

    assert run("overlay", str(sound)).exit_code == 0
    assert run("overlay", str(broken)).exit_code == 1
    said = json.loads(run("overlay", "--json", "--faults", str(broken)).stdout)
    assert said["exit"] == 1
    assert {each["check"] for each in said["findings"]} == {"topic"}
    assert "other.yaml" in str(run("overlay", str(other)).exception)


def looked(objects: Objects) -> list[Finding]:
    checks = manifest_checks(Manifests(objects), 40, network=False)
    return [each for check in checks for each in findings_of(check)]


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["preflight", *words])
