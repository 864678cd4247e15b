"""What stands in for Strimzi, whose operator comes as an image that no registry gives here.

It is what a small hospital has in its place (`k8s/components/plain-kafka`): the same names and Secrets, a
broker with TLS and literal rights, topics and the bridge. At the centre it has a door for hospitals beside.
Not tried so: the operator itself, three brokers, and what it does when a certificate ends.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from deploy.cluster.folders import CENTRE
from deploy.local.kafka.listeners import with_hospitals_door
from deploy.local.machine.setting_lines import setting_lines
from deploy.manifests.plain_kafka import broker_settings, empty_secrets
from segwatch.streaming.access import centre

Manifest = dict[str, Any]
NODE_PORT = 30094
CLAIM = "log"
"""The broker's."""
DOOR = 9094


def rendered(overlay: Path) -> list[Manifest]:
    """What kubectl would apply."""
    command = ["kubectl", "kustomize", str(overlay)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [each for each in yaml.safe_load_all(text) if each]


def stand_in(overlays: Path, namespace: str, sites: Sequence[str] | None = None) -> list[Manifest]:
    """What is applied beside an overlay.

    Args:
        overlays: the folder of them, edited.
        namespace: the overlay's.
        sites: of a centre; None in a hospital.
    """
    hospital = {_key(each) for each in rendered(overlays / "hospital")}
    plain = [each for each in rendered(overlays / "small") if _key(each) not in hospital]
    made = plain if sites is None else [*_at_the_centre(plain, sites), *empty_secrets(centre(sites))]
    for each in made:
        each["metadata"]["namespace"] = namespace
        for subject in each.get("subjects", ()):
            subject["namespace"] = namespace
        _ask_for_little(each)
    return made


def _at_the_centre(plain: Sequence[Manifest], sites: Sequence[str]) -> list[Manifest]:
    """Without the bridge, with a door for hospitals."""
    made = [
        each
        for each in plain
        if not each["metadata"]["name"].startswith("bridge") and each["kind"] not in {"Secret", "Role"}
    ]
    for each in made:
        if each["kind"] == "ConfigMap":
            settings = with_hospitals_door(broker_settings(), CENTRE, DOOR)
            each["data"]["server.properties"] = setting_lines(settings)
        elif each["kind"] == "Service":
            each["spec"]["type"] = "NodePort"
            each["spec"]["ports"].append({"name": "hospitals", "port": DOOR, "nodePort": NODE_PORT})
        elif each["kind"] == "Deployment":
            (container,) = each["spec"]["template"]["spec"]["containers"]
            container["command"] += [f"--host={CENTRE}", *(f"--site={site}" for site in sites)]
    return made


def _ask_for_little(each: Manifest) -> None:
    """A hospital and the centre share a node of two cores here."""
    if each["kind"] in {"Deployment", "StatefulSet"}:
        for container in each["spec"]["template"]["spec"]["containers"]:
            container["resources"]["requests"]["cpu"] = "20m"


def _key(each: Manifest) -> tuple[str, str]:
    return each["kind"], each["metadata"]["name"]
