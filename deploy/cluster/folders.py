"""Where the cluster's programs are kept between runs, and what it writes while it runs."""

import os
from pathlib import Path

from deploy.local.machine.folders import BUILD

HERE = Path(__file__).parent
KUBE = BUILD / "cluster"
"""The one program, under the names of its parts. Deleted, it is built again: 24 minutes of processor time."""
STATE = Path(os.environ.get("CLUSTER_STATE", "/var/lib/segwatch-cluster"))
"""Certificates, etcd, containers' layers, claims. `down` deletes it."""
NODE = "10.77.0.1"
PACS, CENTRE = "192.0.2.10", "198.51.100.10"
OUTSIDE = "outside"


def mounting(disk: Path) -> list[str]:
    """The command that mounts a claim's disk, a file, at the folder of the same name."""
    return ["mount", "-o", "loop", str(disk), str(disk.with_suffix(""))]
