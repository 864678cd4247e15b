"""What the cluster is made of: Debian's packages, and one program built from Kubernetes' own source by Go."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from deploy.cluster.folders import HERE, KUBE
from segwatch.errors import BadSettings

VERSION = "v1.37.2"
PARTS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "netpol",
    "coredns",
)
NEEDED = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "etcd": "etcd-server",
    "iptables": "iptables",
    "ipset": "ipset",
    "conntrack": "conntrack",
    "podman": "podman",
    "gcc": "gcc",
    "go": "golang",
    "kubectl": "kubectl",
}
"""Programs by the Debian package that has them; Go and kubectl are had elsewhere where Debian's are old."""
FILES = {"/usr/lib/cni/bridge": "containernetworking-plugins", "/usr/lib/podman/netavark": "netavark"}
"""What is on no PATH, by where Debian has it; without the last podman and buildah start no container."""


def missing() -> list[str]:
    """Debian packages that are not there."""
    away = {package for program, package in NEEDED.items() if shutil.which(program) is None}
    return sorted(away | {package for file, package in FILES.items() if not Path(file).exists()})


def require() -> None:
    """Raises BadSettings: naming what is missing, and the command that brings it."""
    if os.geteuid() != 0:
        raise BadSettings("the cluster needs root: it makes namespaces and mounts of its own")
    if away := missing():
        raise BadSettings(
            f"the cluster needs {', '.join(away)}; on Debian: "
            f"apt-get install -y --no-install-recommends {' '.join(away)}"
        )


def build(say: Callable[[str], None]) -> None:
    """Build the program, unless it is there."""
    if (KUBE / "kube").exists():
        return
    say(f"building Kubernetes {VERSION} with Go into {KUBE} (24 minutes of processor time, once)")
    KUBE.mkdir(parents=True, exist_ok=True)
    said = "k8s.io/component-base/version"
    minor = VERSION.split(".")[1]
    flags = f"-s -w -X {said}.gitVersion={VERSION} -X {said}.gitMajor=1 -X {said}.gitMinor={minor}"
    flags += f" -X k8s.io/client-go/pkg/version.gitVersion={VERSION}"
    command = [
        "go",
        "build",
        "-trimpath",
        "-buildvcs=false",
        "-ldflags",
        flags,
        "-o",
        str(KUBE / "kube"),
        ".",
    ]
    subprocess.run(command, cwd=HERE / "kube", check=True, env={**os.environ, "CGO_ENABLED": "0"})
    link()


def link() -> None:
    """Give the program its parts' names."""
    for part in PARTS:
        path = KUBE / part
        path.unlink(missing_ok=True)
        path.symlink_to("kube")
