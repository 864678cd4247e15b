"""Containers as the manifests run them: no rights, a root that cannot be written, and no network."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.images.engine import RUNNERS, environment, found, reference
from segwatch.errors import BadSettings

MODELS = Path(__file__).resolve().parents[2] / "deploy" / "models"
SETTINGS = {
    "ingest": {"INBOX": "/tmp/inbox", "STORE": "/tmp/store", "PSEUDONYM_SECRET_FILE": "/tmp/secret"},
    "segmentation": {"STORE": "/tmp/store"},
    "features": {"STORE": "/tmp/store"},
    "scoring": {"SCORER": "/models/demo-scorer"},
    "aggregation": {"POLICY": "/tmp/policy.yaml", "AUDIT_LOG": "/tmp/audit.jsonl"},
    "federation": {},
}
GROUND = (
    "mkdir /tmp/inbox /tmp/store && head -c 32 /dev/urandom | sha256sum > /tmp/secret"
    " && echo 'version: \"1\"' > /tmp/policy.yaml && segwatch topics create >/dev/null"
    " && segwatch topics create --site hospital-a > /dev/null"
)
ASK = (
    "import sys, urllib.request as u; r = u.urlopen('http://127.0.0.1:8080' + sys.argv[1], timeout=2);"
    " print(r.status)"
)


class Container:
    """A running container."""

    def __init__(self, program: str, name: str) -> None:
        self._program, self.name = program, name

    def call(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return podman(self._program, "exec", self.name, *words)

    def answers(self, path: str) -> bool:
        return self.call("python", "-c", ASK, path).returncode == 0

    def state(self) -> dict[str, object]:
        return dict(json.loads(podman(self._program, "inspect", self.name).stdout)[0]["State"])

    def until(self, true: Callable[[], bool], seconds: float = 240) -> float:
        began = time.monotonic()
        while not true():
            assert self.state()["Running"], podman(self._program, "logs", self.name).stderr[-2000:]
            assert time.monotonic() - began < seconds
            time.sleep(0.3)
        return time.monotonic() - began

    def stop(self) -> float:
        began = time.monotonic()
        podman(self._program, "stop", "--time=60", self.name)
        return time.monotonic() - began


def podman(program: str, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([program, *words], capture_output=True, text=True, env=environment())


@pytest.fixture(scope="session")
def program() -> str:
    try:
        return found(RUNNERS).name
    except BadSettings as error:
        pytest.skip(str(error))


def image_of(program: str, service: str) -> str:
    """The name of a service's image; loudly skipped where it was not built."""
    name = reference(os.environ.get("IMAGES", "segwatch"), service, os.environ.get("VERSION", "0.1.0"))
    if podman(program, "image", "inspect", name).returncode:
        pytest.skip(f"{name} is not built: `make images ONLY={service}`")
    return name


@pytest.fixture
def started(program: str) -> Iterator[Callable[..., Container]]:
    """Starts a service's image as a pod would."""
    names: list[str] = []

    def start(service: str, uid: int = 10001) -> Container:
        words = ["run", "--detach", "--pull=never", "--network=none", "--read-only", f"--user={uid}:{uid}"]
        words += ["--tmpfs=/tmp:rw,mode=1777", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
        words += ["--memory=2g", f"--volume={MODELS}:/models:ro", "--entrypoint=sh"]
        given = {"SITE": "hospital-a", "LOG": "embedded", "LOG_FILE": "/tmp/log.db", **SETTINGS[service]}
        words += [f"--env=SEGWATCH_{name}={value}" for name, value in given.items()]
        order = f"{GROUND} && exec python -m services.{service}"
        done = podman(program, *words, image_of(program, service), "-c", order)
        assert done.returncode == 0, done.stderr
        names.append(done.stdout.strip())
        return Container(program, names[-1])

    yield start
    for name in names:
        podman(program, "rm", "--force", "--time=0", name)
