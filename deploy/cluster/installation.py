"""Installs a hospital and the centre on the cluster as docs/operators.md says, and what a cloud gives beside.

That is: folders of this machine behind the claims, an address for the Service `ingest`, a plain Kafka for
Strimzi (`strimzi`), and a relay at the centre's address outside.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from deploy.cluster import control
from deploy.cluster.crds import definitions
from deploy.cluster.folders import CENTRE, HERE, NODE, OUTSIDE, STATE, mounting
from deploy.cluster.strimzi import NODE_PORT, rendered, stand_in
from deploy.local.machine.folders import MODELS, ROOT

Manifest = dict[str, Any]
HOSPITAL, AT_THE_CENTRE = "segwatch", "segwatch-centre"
DOOR = "203.0.113.5"
"""What a cloud's load balancer would give the Service `ingest`."""
PAGE = ROOT / "docs" / "operators.md"
WRITER, BROKER_USER = 10001, 1000
KAFKAS = ("log", "bridge")
"""The claims of Kafka's image."""
DISK_BYTES = 2**32


class Overlay:
    """One overlay, copied and edited as its owner would edit it.

    Args:
        name: of the overlay. namespace: its own.
        edits: lines of the file of settings.
        edited: the overlay whose files are edited, where that is another.
    """

    def __init__(
        self, name: str, namespace: str, edits: Mapping[str, str], edited: str | None = None
    ) -> None:
        self.name, self.namespace, self._edited = name, namespace, edited or name
        self.k8s = STATE / name / "k8s"
        self.folder = self.k8s / "overlays" / name
        if not self.k8s.exists():
            shutil.copytree(ROOT / "k8s", self.k8s)
        self.edit(edits)

    def edit(self, lines: Mapping[str, str]) -> None:
        """Change lines of its file of settings."""
        path = self.k8s / "overlays" / self._edited / f"{self._edited}.env"
        text = path.read_text()
        for name, value in lines.items():
            text = re.sub(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
        path.write_text(text)

    def without_torch(self) -> None:
        """Take the image of segmentation that holds no torch: masks come with the studies."""
        path = self.k8s / "overlays" / self._edited / "kustomization.yaml"
        lines = "images:\n  - {name: segwatch/segmentation, newName: segwatch/segmentation-masks}\n"
        path.write_text(path.read_text().removesuffix(lines) + lines)

    def rendered(self) -> list[Manifest]:
        """What kubectl would apply."""
        return rendered(self.folder)

    @cached_property
    def stand_in(self) -> list[Manifest]:
        """What stands in for Strimzi, with this overlay's topics, users and bridge; nothing in `small`."""
        if self._edited != self.name:
            return []
        sites = self.folder / "sites.txt"
        listed = sites.read_text().split() if sites.exists() else None
        return stand_in(self.k8s / "overlays", self.namespace, listed)


def ground(say: Callable[[str], None], *overlays: Overlay) -> None:
    """What both have before anything is installed: names, operators' kinds, Prometheus' namespace."""
    apply(yaml.safe_load_all((HERE / "dns.yaml").read_text()))
    for overlay in overlays:
        apply(definitions(overlay.rendered()))
    for overlay in overlays:
        apply(volumes(overlay))
    say("names, operators' kinds and folders behind the claims are there")


def steps(heading: str, given: Mapping[str, str], page: Path = PAGE) -> list[str]:
    """The commands of a page below a heading, word for word, but for names in capitals that the
    reader is to replace, and the folder of manifests.
    """
    section = page.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"(?:^(?: {4,}).+\n)+", section, re.MULTILINE)
    found = []
    for block in blocks:
        text = "\n".join(line.strip() for line in block.splitlines())
        for name, value in given.items():
            text = text.replace(name, value)
        found.append(text)
    return found


def run(commands: str, folder: Path) -> str:
    """Commands of a page, in a shell on the node, in a folder."""
    script = f"set -eu\nexport KUBECONFIG={STATE}/admin.conf\ncd {folder}\n{commands}\n"
    return control.inside("bash", "-c", script).stdout


def apply(manifests: Iterable[Manifest]) -> None:
    """Apply manifests that no page is about."""
    listed = list(manifests)
    if listed:
        text = yaml.safe_dump_all(listed, sort_keys=False)
        control.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", given=text)


def give_address(namespace: str = HOSPITAL, address: str = DOOR) -> None:
    """What a cloud does for a Service of the type LoadBalancer."""
    patch = f'{{"status": {{"loadBalancer": {{"ingress": [{{"ip": "{address}"}}]}}}}}}'
    control.kubectl(
        "-n", namespace, "patch", "service", "ingest", "--subresource=status", "--type=merge", "-p", patch
    )


@contextmanager
def relay() -> Iterator[None]:
    """The centre's address outside: whoever comes there is led to the centre's listener for hospitals."""
    relaying = (sys.executable, str(HERE / "relay.py"), CENTRE, "9094", NODE, str(NODE_PORT))
    command = control.entering("ip", "netns", "exec", OUTSIDE, *relaying)
    started = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:  # nsenter waits for it, and ends it not
        os.killpg(started.pid, signal.SIGTERM)
        started.wait()


def demo_models() -> dict[str, Path]:
    """What is put into the claim `models`."""
    return {"LESION-BUNDLE": MODELS / "demo-lesion", "SCORER-BUNDLE": MODELS / "demo-scorer"}


def volumes(overlay: Overlay) -> Iterator[Manifest]:
    """A disk behind each claim."""
    for claim in (*overlay.stand_in, *overlay.rendered()):
        if claim["kind"] == "PersistentVolumeClaim":
            name, modes = claim["metadata"]["name"], claim["spec"]["accessModes"]
            yield _volume(overlay.namespace, name, modes, BROKER_USER if name in KAFKAS else WRITER)


def _volume(namespace: str, claim: str, modes: list[str], owner: int) -> Manifest:
    """What a claim is bound to, on a disk of its own: a file that takes only what is written."""
    folder = disk_of(namespace, claim)
    folder.mkdir(parents=True)
    disk = folder.with_name(f"{folder.name}.img")
    with disk.open("wb") as file:
        file.truncate(DISK_BYTES)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(disk)], check=True)
    control.inside(*mounting(disk))
    control.inside("chown", f"{owner}:{owner}", str(folder))
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": folder.name},
        "spec": {
            "capacity": {"storage": "1000Gi"},
            "accessModes": modes,
            "claimRef": {"namespace": namespace, "name": claim},
            "hostPath": {"path": str(folder), "type": "Directory"},
        },
    }


def disk_of(namespace: str, claim: str) -> Path:
    """Where a claim's disk is mounted on the node."""
    return STATE / "claims" / f"{namespace}-{claim}"
