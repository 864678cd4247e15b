"""A clean root of Debian with its systemd, the bundle in it, and hospitals on copies of it."""

import hashlib
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.machine.folders import BUILD, ROOT
from tests.server.hospital import Hospital
from tests.server.machine import Machine

PACKAGES = "python3,openssl,systemd,systemd-sysv,dbus"
"""What a server has that was installed from Debian's medium without anything more."""
SUITE = "bookworm"
PROGRAMS = {"mmdebstrap": "mmdebstrap", "systemd-nspawn": "systemd-container"}


@pytest.fixture(scope="session")
def bundle() -> Path:
    made = sorted((ROOT / "dist").glob("segwatch-*.tar.gz"))
    if not made:
        pytest.skip("there is no bundle in dist/: `make bundle` packs one")
    return made[-1]


@pytest.fixture(scope="session")
def clean(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Debian as it comes, with the unpacked bundle in /bundle; nothing is written there any more."""
    lacking = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if os.geteuid() != 0 or lacking:
        pytest.skip(f"needs root, and on Debian: apt-get install {' '.join(PROGRAMS.values())}")
    folder = tmp_path_factory.mktemp("clean") / "root"
    folder.mkdir()
    subprocess.run(["tar", "-xf", _debian(), "-C", folder], check=True)
    with tarfile.open(bundle) as tar:
        tar.extractall(folder, filter="fully_trusted")
    next(folder.glob("segwatch-*")).rename(folder / "bundle")
    return folder


@pytest.fixture(scope="session")
def installed(clean: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A root on which a hospital was installed and then shut down, with its scorer; and what was said."""
    with _on_top_of(clean, tmp_path_factory.mktemp("installed")) as root:
        machine = Machine(root, root.parent / "nspawn.log")
        machine.boot()
        try:
            hospital = Hospital(machine)
            said = hospital.install()
            hospital.put_models()
        finally:
            machine.shut_down()
        yield root, said


@pytest.fixture(scope="module")
def hospital(installed: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    """A hospital that was booted, for the tests of one file."""
    with _booted(installed[0], tmp_path_factory.mktemp("hospital")) as found:
        yield found


@pytest.fixture(scope="module")
def bare(clean: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    """A machine on which nothing was installed yet."""
    with _booted(clean, tmp_path_factory.mktemp("bare")) as found:
        yield found


@contextmanager
def _booted(lower: Path, folder: Path) -> Iterator[Hospital]:
    with _on_top_of(lower, folder) as root:
        machine = Machine(root, root.parent / "nspawn.log")
        machine.boot()
        try:
            yield Hospital(machine)
        finally:
            machine.shut_down()


@contextmanager
def _on_top_of(lower: Path, folder: Path) -> Iterator[Path]:
    """A root that begins as another and leaves it as it is (overlayfs)."""
    upper, work, root = (folder / each for each in ("upper", "work", "root"))
    for each in (upper, work, root):
        each.mkdir()
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, root], check=True)
    try:
        yield root
    finally:
        subprocess.run(["umount", "--lazy", root], check=True)


def _debian() -> Path:
    """The root's tarball, made once."""
    name = hashlib.sha256(f"{SUITE} {PACKAGES}".encode()).hexdigest()[:12]
    kept = BUILD / f"server-root-{name}.tar"
    if not kept.exists():
        beside = kept.with_name(f".{os.getpid()}-{kept.name}")
        command = ["mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(beside)]
        subprocess.run(command, check=True, capture_output=True)
        beside.rename(kept)
    return kept
