"""What builds images and runs them: buildah, podman or docker, whichever is there."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from segwatch.errors import BadSettings

CONF = Path(__file__).parent / "containers.conf"
BUILDERS = ("buildah", "podman", "docker")
RUNNERS = ("podman", "docker")
LENT = (Path("/etc/ssl/certs/ca-certificates.crt"), Path("/etc/pip.conf"))
"""What the machine's own network needs, lent to the steps of a build; nothing of it stays in an image."""
LAST_LINES = 12
LIMITS = ("nofile=20000:20000", "nproc=30000:30000")


@dataclass(frozen=True)
class Engine:
    """A program that speaks docker's words, or nearly."""

    name: str

    def build(self, dockerfile: Path, context: Path, tag: str, given: Mapping[str, str]) -> None:
        """Build an image; `given` are its build arguments.

        Raises:
            BadSettings: it was not built; the message has the engine's last lines.
        """
        words = ["build", "--quiet", "--file", str(dockerfile), "--tag", tag]
        words += [f"--build-arg={name}={value}" for name, value in given.items()]
        if self.name != "docker":
            words += ["--format=docker", "--layers", "--network=host", "--pull=never"]
            words += [f"--ulimit={limit}" for limit in LIMITS]
            words += [f"--volume={path}:{path}:ro" for path in LENT if path.exists()]
        if self.name == "buildah":
            words.insert(1, "--isolation=oci")
        done = self.run(*words, str(context), check=False)
        if done.returncode:
            raise BadSettings(f"{tag}: not built by {self.name}:\n{last_words(done)}")

    def size(self, tag: str) -> int | None:
        """Bytes of an image, unpacked; None where it is not there."""
        words = ("inspect", "--type=image") if self.name == "buildah" else ("image", "inspect")
        done = self.run(*words, tag, check=False)
        if done.returncode:
            return None
        if self.name == "buildah":
            listed = json.loads(self.run("images", "--json", tag).stdout)
            return _bytes(str(listed[0]["size"]))
        return int(json.loads(done.stdout)[0]["Size"])

    def pulls(self, name: str) -> bool:
        """Whether a registry gives an image."""
        return self.run("pull", "--quiet", name, check=False).returncode == 0

    def run(
        self, *words: str, check: bool = True, given: bytes | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """One call of the program."""
        return subprocess.run(
            [self.name, *words],
            check=check,
            capture_output=True,
            text=True,
            env=environment(),
            input=None if given is None else given.decode(),
        )


def last_words(done: "subprocess.CompletedProcess[str]") -> str:
    """What a program that failed said last: its own reason comes there."""
    return "\n".join(done.stderr.splitlines()[-LAST_LINES:])


def environment() -> dict[str, str]:
    """Of an engine's process: our settings for it, unless somebody has set others."""
    ours = {"CONTAINERS_CONF": str(CONF)} if shutil.which("runc") else {}
    return {**ours, **os.environ}


def found(names: Sequence[str]) -> Engine:
    """The first of these that is on the PATH.

    Raises:
        BadSettings: none is.
    """
    for name in names:
        if shutil.which(name) is not None:
            return Engine(name)
    raise BadSettings(
        f"none of {', '.join(names)} is on this machine; on Debian: "
        "apt-get install --no-install-recommends buildah podman runc netavark"
    )


def reference(prefix: str, service: str, version: str) -> str:
    """An image's full name. As Kubernetes reads it, `segwatch/ingest` is one of docker.io.

    Examples:
        >>> reference("segwatch", "ingest", "0.1.0")
        'docker.io/segwatch/ingest:0.1.0'
        >>> reference("registry:5000/radiology", "ingest", "0.1.0")
        'registry:5000/radiology/ingest:0.1.0'
    """
    first = prefix.split("/")[0]
    registry = "" if first == "localhost" or {".", ":"} & set(first) else "docker.io/"
    return f"{registry}{prefix}/{service}:{version}"


def _bytes(text: str) -> int:
    """buildah writes sizes for people: `220 MB`."""
    number, _, unit = text.partition(" ")
    return int(float(number) * {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}[unit.upper()])
