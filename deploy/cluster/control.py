"""Starting and ending the cluster, and doing things in it from outside."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from deploy.cluster.access import make_access
from deploy.cluster.configuration import PAUSE, write_configuration
from deploy.cluster.folders import OUTSIDE, STATE
from deploy.images.engine import environment
from deploy.local.machine.folders import ROOT
from deploy.local.machine.waiting import comes_true
from segwatch.errors import BadSettings

OUTER = STATE / "unshare.pid"
PATIENCE_SECONDS = 300.0
CGROUPS = Path("/sys/fs/cgroup")

Done = subprocess.CompletedProcess[str]


def up(say: Callable[[str], None]) -> None:
    """Start it, and return when the node is ready.

    Raises:
        BadSettings: it runs already, or does not become ready; the logs' folder is named.
    """
    if node_pid() is not None:
        raise BadSettings("the cluster runs already: `make cluster-down` ends it")
    STATE.mkdir(parents=True, exist_ok=True)
    make_access()
    write_configuration()
    _begin(say)


def restart(say: Callable[[str], None]) -> None:
    """The node's power goes and comes back: every process ends at once, what is on its disks stays.

    Raises:
        BadSettings: it does not become ready again.
    """
    _end()
    _begin(say)


def down() -> None:
    """End all of it, and delete what it wrote."""
    _end()
    subprocess.run(["rm", "-rf", "--one-file-system", str(STATE)], check=True)


def _begin(say: Callable[[str], None]) -> None:
    node = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    node += [sys.executable, "-m", "deploy.cluster.node"]
    # It outlives whoever started it, so it is nobody's child.
    command = ["setsid", "--fork", "sh", "-c", 'echo $$ >"$0"; exec "$@"', str(OUTER), *node]
    with (STATE / "log" / "node.log").open("ab") as log:
        subprocess.run(command, check=True, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    until(
        lambda: node_pid() is not None and inside("ctr", "version", check=False).returncode == 0, "containerd"
    )
    load(PAUSE)
    until(_ready, "the node")
    say(kubectl("get", "node", "node", "-o", "wide"))


def _end() -> None:
    pid = node_pid()
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        until(lambda: node_pid() is None, "the end of the node")
        time.sleep(1)
    for kubepods in CGROUPS.glob("*/kubepods"):
        subprocess.run(
            ["find", str(kubepods), "-depth", "-type", "d", "-exec", "rmdir", "{}", "+"], capture_output=True
        )


def node_pid() -> int | None:
    """The first process in the namespaces, as it is called outside them; None where nothing runs."""
    try:
        outer = OUTER.read_text().strip()
        children = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
    except OSError:
        return None
    return int(children[0]) if children else None


def entering(*command: str) -> list[str]:
    """What runs a command in the node's namespaces.

    Raises:
        BadSettings: the cluster does not run.
    """
    pid = node_pid()
    if pid is None:
        raise BadSettings("the cluster does not run: `make cluster` starts it")
    return ["nsenter", "--target", str(pid), "--mount", "--net", "--pid", "--", *command]


def inside(*command: str, check: bool = True, given: bytes | None = None) -> Done:
    """A command on the node.

    Raises:
        BadSettings: the cluster does not run.
        subprocess.CalledProcessError: it failed; its words are in `stderr`.
    """
    done = subprocess.run(entering(*command), input=given or b"", capture_output=True)
    told = subprocess.CompletedProcess(
        command, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    )
    if check and done.returncode:
        failed = subprocess.CalledProcessError(done.returncode, command, told.stdout, told.stderr)
        failed.add_note(told.stderr[-2000:])
        raise failed
    return told


def outside(*command: str, check: bool = True) -> Done:
    """A command on the host outside, which is the PACS and the centre's door."""
    return inside("ip", "netns", "exec", OUTSIDE, *command, check=check)


def kubectl(*words: str, given: str | None = None, check: bool = True) -> str:
    """What kubectl answers.

    Raises:
        subprocess.CalledProcessError: with its words in `stderr`.
    """
    command = ("env", f"KUBECONFIG={STATE}/admin.conf", "kubectl", *words)
    return inside(*command, check=check, given=None if given is None else given.encode()).stdout


def load(*images: str) -> None:
    """Give the node images of podman's."""
    for image in images:
        saving = ["podman", "save", "--quiet", "--format=docker-archive", image]
        taking = entering("ctr", "--namespace=k8s.io", "images", "import", "--no-unpack=false", "-")
        with subprocess.Popen(saving, stdout=subprocess.PIPE, env=environment()) as save:
            subprocess.run(taking, stdin=save.stdout, check=True, capture_output=True)
        if save.returncode:
            raise BadSettings(f"podman has no image {image}: `make images` builds the services'")


def until(true: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS, pause: float = 0.5) -> None:
    """Wait until something is so.

    Raises:
        BadSettings: it was not within the time.
    """
    if not comes_true(true, seconds, pause):
        raise BadSettings(f"waited {seconds:.0f} s for {what}; the programs' logs are in {STATE}/log")


def _ready() -> bool:
    path = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"
    return kubectl("get", "node", "node", "-o", path, check=False).strip() == "True"


def status() -> Sequence[str]:
    """What runs, in lines."""
    if node_pid() is None:
        return ["the cluster does not run"]
    return kubectl("get", "nodes,pods", "--all-namespaces", check=False).splitlines()
