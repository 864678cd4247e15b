"""Debian's package manager with a lock that another process really holds, in a root of its own."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.machine import binaries
from deploy.local.machine.binaries import Binary
from tests.support.streaming import eventually

pytestmark = pytest.mark.skipif(shutil.which("apt-get") is None, reason="there is no apt-get")
HOLD = """
import fcntl, sys, time
with open(sys.argv[1], "w") as lock:
    fcntl.lockf(lock, fcntl.LOCK_EX)
    print("locked", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All that apt-get, dpkg and setup touch, in a folder; no package is known, and Go builds nothing."""
    root = tmp_path / "root"
    for folder in ("lists/partial", "archives/partial", "dpkg", "bin", "debian/lists"):
        (root / folder).mkdir(parents=True)
    (root / "dpkg" / "status").touch()
    for name in ("apt-get", "dpkg"):
        (root / "bin" / name).symlink_to(str(shutil.which(name)))
    (root / "bin" / "go").write_text("#!/bin/sh\nexit 1\n")
    (root / "bin" / "go").chmod(0o755)
    paths = {
        "Dir::Etc::sourcelist": "/dev/null",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State": root,
        "Dir::State::status": root / "dpkg" / "status",
        "Dir::Cache": root,
        "Dir::Log": root,
    }
    (root / "apt.conf").write_text("".join(f'{name} "{path}";\n' for name, path in paths.items()))
    monkeypatch.setenv("APT_CONFIG", str(root / "apt.conf"))
    monkeypatch.setenv("PATH", str(root / "bin"))
    for name in ("BIN", "DEBIAN", "NO_SERVICES"):
        monkeypatch.setattr(binaries, name, root / name.lower())
    monkeypatch.setattr(binaries, "LOCK_PAUSE_SECONDS", 0.05)
    return root


@contextmanager
def locked_by_another(lock: Path) -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        yield
        other.kill()


@pytest.mark.parametrize(
    ("lock", "unpacks"), [("debian/lists/lock", True), ("lists/lock", False), ("dpkg/lock-frontend", False)]
)
def test_setup_waits_for_the_lock_with_a_word_before_it_builds_from_source(
    root: Path, lock: str, unpacks: bool
) -> None:
    if not unpacks and os.geteuid() != 0:
        pytest.skip("only root installs packages")
    said: list[str] = []
    tool = Binary(("tool",), "no-such-package", unpacks=unpacks, go="example.org/tool@v1.2.3")
    setup = threading.Thread(target=binaries.obtain, args=(tool, said.append))
    with locked_by_another(root / lock):
        setup.start()
        eventually(lambda: any(line.startswith("waiting") and str(root / lock) in line for line in said))
        assert setup.is_alive()
        assert not any("with Go" in line for line in said)
    setup.join(30)
    assert not setup.is_alive()
    assert sum(line.startswith("waiting") for line in said) == 1
    tried, built = (
        next(n for n, line in enumerate(said) if what in line)
        for what in ("Unable to locate package", "with Go")
    )
    assert tried < built, "the lock was had, and apt-get went on"
