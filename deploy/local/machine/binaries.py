"""Prometheus and Alertmanager: found on the machine, from Debian's packages, or built by Go.

Debian's `prometheus` is only unpacked into `.build`, which needs no rights. Its Alertmanager reads a
template from an absolute path, so it is installed, as root only, and with services kept from starting.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.machine.folders import BUILD

BIN = BUILD / "bin"
DEBIAN = BUILD / "debian"
NO_SERVICES = Path("/usr/sbin/policy-rc.d")
"""Debian's maintainer scripts ask it whether a service may be started (invoke-rc.d(8)); 101 says no."""
LOCKED = re.compile(r".*(?:Could not get lock|locked by another process).*")
"""What apt-get and dpkg say while somebody else installs or updates packages."""
LOCK_SECONDS = 900.0
"""Longer than an upgrade of the whole system takes, which may begin by itself when a machine has started."""
LOCK_PAUSE_SECONDS = 2.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Binary:
    """A program and the ways to get it.

    Attributes:
        names: what it is called, here and in Debian.
        package: Debian's package.
        unpacks: whether the package works when it is only unpacked.
        go: its Go package at a pinned version; empty where it is none.
        tags: Go build tags.
    """

    names: tuple[str, ...]
    package: str
    unpacks: bool
    go: str = ""
    tags: str = ""


PROMETHEUS = Binary(
    ("prometheus",),
    "prometheus",
    unpacks=True,
    go="github.com/prometheus/prometheus/cmd/prometheus@v0.316.0",
    tags="remove_all_sd,enable_kubernetes_sd",
)
PROMTOOL = Binary(
    ("promtool",),
    "prometheus",
    unpacks=True,
    go="github.com/prometheus/prometheus/cmd/promtool@v0.316.0",
    tags="remove_all_sd,enable_kubernetes_sd",
)
ALERTMANAGER = Binary(
    ("alertmanager", "prometheus-alertmanager"),
    "prometheus-alertmanager",
    unpacks=False,
    go="github.com/prometheus/alertmanager/cmd/alertmanager@v0.31.1",
)
AMTOOL = Binary(
    ("amtool",),
    "prometheus-alertmanager",
    unpacks=True,
    go="github.com/prometheus/alertmanager/cmd/amtool@v0.31.1",
)
EXIM = Binary(("exim4",), "exim4-daemon-light", unpacks=False)
"""A mail server, for the tests: what Alertmanager mails is read from a mailbox."""
HELM = Binary(("helm",), "", unpacks=False, go="helm.sh/helm/v3/cmd/helm@v3.19.0")
"""Only for the tests of the chart, which go without where it is not there: `make helm` builds it."""
PAGES = (
    "libjs-bootstrap4",
    "libjs-d3",
    "libjs-eonasdan-bootstrap-datetimepicker",
    "libjs-jquery",
    "libjs-jquery-hotkeys",
    "libjs-moment",
    "libjs-moment-timezone",
    "libjs-mustache",
    "libjs-popper.js",
    "libjs-rickshaw",
)
"""What the pages of Debian's Prometheus are drawn with."""
ALL = (PROMETHEUS, PROMTOOL, ALERTMANAGER, AMTOOL)


def find(program: Binary) -> Path | None:
    """Where the program lies: in `.build/bin`, or on the PATH."""
    for name in program.names:
        found = shutil.which(name, path=f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}")
        if found is not None:
            return Path(found)
    return None


def obtain(program: Binary, say: Say) -> Path | None:
    """The program, fetched where it is not there yet; None where it cannot be had.

    Args:
        program: what is wanted.
        say: told what is being done, a line at a time.
    """
    found = find(program)
    if found is not None:
        return found
    for way in (_from_debian, _by_go):
        try:
            way(program, say)
        except (OSError, subprocess.CalledProcessError) as error:
            say(f"{program.names[0]}: {_why(error)}")
        found = find(program)
        if found is not None:
            return found
    return None


def _from_debian(program: Binary, say: Say) -> None:
    if not program.package or shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        return
    if program.unpacks:
        say(f"{program.names[0]}: unpacking Debian's package {program.package} into {DEBIAN}")
        _unpack([program.package], say)
        _link(program)
    elif os.geteuid() == 0:
        say(f"{program.names[0]}: installing Debian's package {program.package}, no service is started")
        _install(program.package, say)


def obtain_pages(say: Say) -> None:
    """What Debian's Prometheus shows its pages with in a browser, beside it in `.build`.

    Raises:
        OSError, subprocess.CalledProcessError: the packages cannot be had.
    """
    _unpack(PAGES, say)


def _unpack(wanted: Sequence[str], say: Say) -> None:
    """Fetch packages with apt's own lists and keys, but with all of apt's files in `.build`."""
    for folder in ("lists/partial", "cache/archives/partial", "packages"):
        (DEBIAN / folder).mkdir(parents=True, exist_ok=True)
    ours = ["-o", f"Dir::State::lists={DEBIAN}/lists", "-o", f"Dir::Cache={DEBIAN}/cache"]
    ours += ["-o", f"APT::Sandbox::User={os.environ.get('USER', 'root')}"]
    packages = DEBIAN / "packages"
    missing = [package for package in wanted if not list(packages.glob(f"{package}_*.deb"))]
    if missing:
        _apt_get([*ours, "update"], say)
        _apt_get([*ours, "download", *missing], say, cwd=packages)
    for package in wanted:
        newest = max(packages.glob(f"{package}_*.deb"))
        _run(["dpkg", "-x", str(newest), str(DEBIAN / "root")])


def _link(program: Binary) -> None:
    BIN.mkdir(parents=True, exist_ok=True)
    for name in program.names:
        unpacked = DEBIAN / "root" / "usr" / "bin" / name
        if unpacked.exists():
            (BIN / name).unlink(missing_ok=True)
            (BIN / name).symlink_to(unpacked)


def _install(package: str, say: Say) -> None:
    ours = not NO_SERVICES.exists()
    if ours:
        NO_SERVICES.write_text("#!/bin/sh\nexit 101\n")
        NO_SERVICES.chmod(0o755)
    try:
        _apt_get(["update"], say)
        _apt_get(["-y", "--no-install-recommends", "install", package], say)
    finally:
        if ours:
            NO_SERVICES.unlink()


def _apt_get(words: Sequence[str], say: Say, *, cwd: Path | None = None) -> None:
    """Run apt-get; where somebody else holds one of its locks, say so once and try until they have done.

    apt-get's own DPkg::Lock::Timeout waits for one of the three locks only, and silently.
    """
    unattended = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    deadline = time.monotonic() + LOCK_SECONDS
    told = False
    while True:
        try:
            return _run(["apt-get", "-q", *words], cwd=cwd, env=unattended)
        except subprocess.CalledProcessError as error:
            locked = LOCKED.search(error.stderr)
            if locked is None or time.monotonic() > deadline:
                raise
            if not told:
                say(f"waiting, since somebody else is installing packages: {locked[0]}")
                told = True
        time.sleep(LOCK_PAUSE_SECONDS)


def _by_go(program: Binary, say: Say) -> None:
    if not program.go or shutil.which("go") is None:
        return
    say(f"{program.names[0]}: building {program.go} with Go (a few minutes, once)")
    BIN.mkdir(parents=True, exist_ok=True)
    tags = ["-tags", program.tags] if program.tags else []
    settings = {**os.environ, "GOBIN": str(BIN), "CGO_ENABLED": "0"}
    _run(["go", "install", *tags, program.go], env=settings)


def _run(command: Sequence[str], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    subprocess.run(command, cwd=cwd, env=env, check=True, capture_output=True, text=True)


def _why(error: OSError | subprocess.CalledProcessError) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        why = _last_line(error.stderr or error.stdout or "") or error.returncode
        return f"`{' '.join(error.cmd[:3])} …` failed: {why}"
    return str(error)


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]
