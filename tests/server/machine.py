"""A machine of its own: a root of Debian, booted by its systemd in namespaces, and without any network."""

import os
import shlex
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from deploy.local.machine.waiting import comes_true

BOOT_SECONDS = 900.0
"""Until nothing is left to start: the log, its topics and every service, on two busy cores."""
OFF_SECONDS = 700.0
"""A study in hand has ten minutes (TimeoutStopSec)."""
NSPAWN = (
    "systemd-nspawn",
    "--boot",
    "--private-network",
    "--register=no",
    "--keep-unit",
    "--console=pipe",
    "--resolv-conf=off",
    "--timezone=off",
    "--link-journal=no",
    # A server's own systemd may load the programs that filter a unit's addresses.
    "--capability=all",
    "--system-call-filter=bpf",
)


class Machine:
    """A root that is booted, asked, shut down, and booted again.

    Args:
        root: the folder with the whole system.
        log: where nspawn's own words go.
    """

    def __init__(self, root: Path, log: Path) -> None:
        self.root = root
        self._log = log
        self._nspawn: subprocess.Popen[bytes] | None = None

    def boot(self) -> None:
        """Start the first process, and wait until all that starts at boot has started."""
        with self._log.open("ab") as log:
            self._nspawn = subprocess.Popen(
                [*NSPAWN, f"--directory={self.root}"], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        asking = ("systemctl", "is-system-running")
        if not comes_true(lambda: self.run(*asking, check=False).stdout.strip() in STARTED, BOOT_SECONDS):
            raise AssertionError(f"it did not boot: {self.run('systemctl', 'list-jobs', check=False).stdout}")

    def run(self, *words: str, check: bool = True, inside: str = "/") -> subprocess.CompletedProcess[str]:
        """Run a program as root of the machine, in a folder of its."""
        command = ["nsenter", "--all", f"--target={self._first()}", f"--wdns={inside}", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=PLAIN)
        if check and done.returncode:
            raise AssertionError(f"`{shlex.join(words)}` ended with {done.returncode}: {_end_of(done)}")
        return done

    def in_network(self, *words: str) -> None:
        """Run a program of ours in the machine's network."""
        subprocess.run(["nsenter", f"--target={self._first()}", "--net", *words], check=True)

    def shut_down(self) -> None:
        """As the button does: every unit ends in its own time."""
        if self._nspawn is not None:
            self._nspawn.send_signal(signal.SIGTERM)
            self._nspawn.wait(OFF_SECONDS)
            self._nspawn = None

    def cut_off(self) -> None:
        """All processes at once, without a word, as a power cut; what the kernel had to write is written."""
        if self._nspawn is not None:
            with suppress(ProcessLookupError):
                os.kill(self._first(), signal.SIGKILL)
            self._nspawn.wait(60)
            self._nspawn = None

    def at(self, path: str) -> Path:
        """A path of the machine's, as it lies for us."""
        return self.root / path.lstrip("/")

    def give(self, path: Path, user: str) -> None:
        """Give what lies there to a user of the machine's."""
        lines = self.at("/etc/passwd").read_text().splitlines()
        (found,) = (each.split(":") for each in lines if each.split(":")[0] == user)
        for each in (path, *path.rglob("*")):
            os.chown(each, int(found[2]), int(found[3]))

    def _first(self) -> int:
        assert self._nspawn is not None, "it is not booted"
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
        return int(children[0]) if children else 0


STARTED = ("running", "degraded")
PLAIN = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root"}


def _end_of(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stdout + done.stderr)[-3000:]
