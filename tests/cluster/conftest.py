"""The cluster, from nothing, with the centre and a hospital on it as docs/operators.md says. Skipped loudly
where it cannot be: no root, a program or an image that was not built.
"""

import os
import re
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from deploy.cluster import control, helpers, programs
from deploy.cluster.folders import KUBE, PACS, STATE
from deploy.cluster.installation import (
    AT_THE_CENTRE,
    DOOR,
    HOSPITAL,
    Overlay,
    apply,
    demo_models,
    give_address,
    ground,
    relay,
    run,
    steps,
)
from deploy.images.engine import environment, reference
from segwatch.errors import BadSettings
from segwatch.streaming.authority import openssl

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("aggregation", "features", "scoring", "segmentation", "ingest")
NEEDED = tuple(reference("segwatch", name, "0.1.0") for name in ("federation", *SERVICES[:3], "ingest"))
MASKS = reference("segwatch", "segmentation-masks", "0.1.0")
"""Segmentation without torch: for hospitals whose own model's masks come with the studies."""
WORKLOADS = {name: "deployment" if name in ("ingest", "federation") else "statefulset" for name in SERVICES}


TWO_CORES = """\
  - target: {kind: (Deployment|StatefulSet)}
    patch: |-
      - {op: replace, path: /spec/template/spec/containers/0/resources/requests/cpu, value: 10m}
"""
"""The node has two, for the centre and a hospital, or two of them."""


def ask_for_little(overlay: Overlay) -> None:
    """Of the processor; memory as it is."""
    path = overlay.folder / "kustomization.yaml"
    text = path.read_text()
    if TWO_CORES not in text:
        path.write_text(text.replace("patches:\n", f"patches:\n{TWO_CORES}", 1))


def say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


def _missing() -> str | None:
    try:
        programs.require()
    except BadSettings as error:
        return str(error)
    if not (KUBE / "kube").exists():
        return "Kubernetes is not built: `make cluster` builds it, once"
    for image in NEEDED:
        if subprocess.run(["podman", "image", "exists", image], env=environment()).returncode:
            return f"{image} is not built: `make images`"
    return None


@pytest.fixture(scope="session")
def cluster() -> Iterator[None]:
    if why := _missing():
        pytest.skip(why)
    began = time.monotonic()
    fresh = control.node_pid() is None  # else somebody keeps it up to look at it
    try:
        if fresh:
            helpers.build_helpers(say)
            helpers.build_masks_only(say)
            control.up(say)
            control.load(helpers.DNS, helpers.KAFKA, *NEEDED, MASKS)
            say(f"up, with its images, after {time.monotonic() - began:.0f} s")
        yield
    finally:
        if not os.environ.get("KEEP_CLUSTER"):
            control.down()


class Site:
    """The hospital and the centre, installed, and what a test does to them."""

    def __init__(self) -> None:
        self.centre = Overlay("central", AT_THE_CENTRE, {})
        self.hospital = Overlay(
            "hospital", HOSPITAL, {"CENTRE_KAFKA": "198.51.100.10:9094", "LESION_MODEL": ""}
        )
        self.hospital.without_torch()
        ask_for_little(self.centre)
        self.studies = 0
        self._relays = ExitStack()

    def kubectl(self, *words: str, **more: object) -> str:
        return control.kubectl("-n", HOSPITAL, *words, **more)

    def send(self, count: int = 1, source: str = PACS) -> str:
        """Studies from the PACS outside; what it says."""
        first, self.studies = self.studies + 1, self.studies + count
        words = [DOOR, "11112", str(STATE / "hospital" / "tls.crt"), source, str(count), str(first)]
        command = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "tests.cluster.studies", *words]
        return control.outside(*command).stdout

    def metric(self, service: str, name: str, namespace: str = HOSPITAL) -> dict[str, float]:
        """Samples of one metric, by their labels, from the service's own page."""
        kind = "deployment" if service in ("ingest", "federation") else "statefulset"
        ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8080/metrics').read().decode())"
        words = ("-n", namespace, "exec", f"{kind}/{service}", "--", "python", "-c", ask)
        page = control.kubectl(*words, check=False)
        found = re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", page, re.MULTILINE)
        return {labels: float(value) for labels, value in found}

    def is_ready(self, service: str) -> bool:
        """Whether its pod is, as Kubernetes has it."""
        path = "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}"
        return "True" in self.kubectl(
            "get", "pod", "-l", f"app.kubernetes.io/name={service}", "-o", path, check=False
        )

    def restart_node(self) -> None:
        """The node's power goes and comes back; the host outside, which lies in it, is laid again too."""
        control.restart(say)
        self.lay_relay()

    def lay_relay(self) -> None:
        """The centre's address outside, until `close`."""
        self._relays.close()
        self._relays.enter_context(relay())

    def close(self) -> None:
        """End what runs outside the cluster."""
        self._relays.close()

    def scored(self) -> float:
        """How many studies the hospital has counted."""
        return sum(self.metric("aggregation", "segwatch_site_counted_studies").values())

    def rolled_out(self, seconds: int = 300) -> None:
        """Every service is ready, in what was asked for last."""
        for name, kind in WORKLOADS.items():
            self.kubectl("rollout", "status", f"{kind}/{name}", f"--timeout={seconds}s")

    def until(self, true: Callable[[], bool], what: str, seconds: float = 300) -> float:
        began = time.monotonic()
        control.until(true, what, seconds, pause=2.0)  # each look starts a Python in a pod
        return time.monotonic() - began


def install_centre(site: Site) -> None:
    run("kubectl apply -k k8s/overlays/central", STATE / "central")
    apply(site.centre.stand_in)
    control.kubectl("-n", AT_THE_CENTRE, "rollout", "status", "deployment/log-keeper", "--timeout=300s")
    control.kubectl("-n", AT_THE_CENTRE, "rollout", "status", "deployment/federation", "--timeout=300s")


def secrets_of_the_hospital(folder: Path = STATE / "hospital", name: str = "hospital-a") -> None:
    """What a hospital has from its own authority and from the centre, as files."""
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=ingest"]
    openssl(*words, "-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt"))
    (folder / "ca.crt").write_bytes(at_the_centre("log-cluster-ca-cert", "ca.crt"))
    parts = ("user.key", "user.crt")
    (folder / "user.pem").write_bytes(b"".join(at_the_centre(name, part) for part in parts))


def at_the_centre(secret: str, entry: str) -> bytes:
    """What lies in a Secret of the centre's."""
    escaped = entry.replace(".", r"\.")
    path = f"jsonpath={{.data.{escaped}}}"
    return b64decode(control.kubectl("-n", AT_THE_CENTRE, "get", "secret", secret, "-o", path))


def install_hospital(site: Site) -> None:
    secrets_of_the_hospital()
    models = {name: str(path) for name, path in demo_models().items()}
    for commands in steps("A hospital", models):
        say(commands.replace("\n", "; ")[:110])
        if "install-model" in commands:  # pods start once Strimzi has made their certificates
            apply(site.hospital.stand_in)
            give_address()
        run(commands, STATE / "hospital")
    site.rolled_out()


def installed() -> bool:
    """Whether somebody who looks at it has left it as an earlier run made it (KEEP_CLUSTER=yes)."""
    words = ("-n", HOSPITAL, "get", "deployment/ingest", "--ignore-not-found", "-o", "name")
    return bool(control.kubectl(*words))


@pytest.fixture(scope="session")
def site(cluster: None) -> Iterator[Site]:  # noqa: ARG001 - it must be up
    made = Site()
    made.lay_relay()
    try:
        if installed():
            made.studies = round(made.scored())
        else:
            began = time.monotonic()
            ground(say, made.centre, made.hospital)
            install_centre(made)
            say(f"the centre is ready after {time.monotonic() - began:.0f} s")
            install_hospital(made)
            say(f"the hospital is ready after {time.monotonic() - began:.0f} s")
        yield made
    finally:
        made.close()


@pytest.fixture(autouse=True)
def _everything_is_ready_before(request: pytest.FixtureRequest) -> None:
    """A test begins where the one before it was to leave things."""
    if "site" in request.fixturenames:
        request.getfixturevalue("site").rolled_out()
