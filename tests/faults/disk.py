"""A small disk for the hospital's broker: filled up, and freed again.

A tmpfs of its own where this process may mount one (as root, or in a user namespace): it is mounted in a
mount namespace of the harness alone, so it goes with the harness however that ends. Elsewhere the broker's
process is told that no file may grow (RLIMIT_FSIZE), which its writes meet as an error too.
"""

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

INSIDE = "FAULTS_OWN_MOUNTS"
NEVER = "FAULTS_NO_MOUNTS"
"""Set by hand: the run does as where nothing may be mounted."""
SIZE_MB = 256
BLOCK = 1 << 16


def in_own_mount_namespace() -> None:
    """Become the same command in a mount namespace of its own, where that is allowed."""
    if INSIDE in os.environ or NEVER in os.environ or shutil.which("unshare") is None:
        return
    flags = ["--mount", "--propagation", "private"]
    if os.geteuid() != 0:
        flags.append("--map-root-user")
    probe = ["unshare", *flags, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
        command = ["unshare", *flags, sys.executable, "-m", "tests.faults", *sys.argv[1:]]
        os.execvpe(command[0], command, {**os.environ, INSIDE: "1"})


class SmallDisk:
    """The disk under the broker's data.

    Args:
        folder: where the data lie; made here.

    Attributes:
        how: in words, for the output.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._filler = folder / "filler"
        folder.mkdir(parents=True)
        self._mounted = False
        if INSIDE in os.environ:
            command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "segwatch-faults", str(folder)]
            self._mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
        self.how = (
            f"a tmpfs of {SIZE_MB} MB"
            if self._mounted
            else "a limit on the broker's files (no mount allowed)"
        )

    def fill(self, pid: int | None) -> None:
        """Nothing more can be written."""
        if self._mounted:
            self._pour()
        elif pid is not None:
            hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, hard))

    def free(self) -> None:
        """There is room again. A broker that met the limit has to be started again, as after a full disk."""
        self._filler.unlink(missing_ok=True)

    def close(self) -> None:
        """Take the disk away; whatever was on it is lost."""
        if self._mounted:
            subprocess.run(["umount", "--lazy", str(self._folder)], capture_output=True, check=False)
            self._mounted = False

    def _pour(self) -> None:
        with self._filler.open("wb", buffering=0) as filler:
            try:
                while filler.write(bytes(BLOCK)):
                    pass
                while filler.write(b"\0"):
                    pass
            except OSError:  # full
                return
