"""One server in a clean root of Debian without network: `make test-server`.

The bundle is installed, runs studies, is upgraded in the middle, goes back, and is removed. It needs root,
and mmdebstrap for the root (`apt-get install mmdebstrap`), which is made once.
"""

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from deploy.local.machine.folders import BUILD, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.broker, pytest.mark.timeout(3600)]
CLEAN = BUILD / "server-root.tar"
PACKAGES = "python3,openssl"
DRIVER = Path(__file__).with_name("driver.py")


@pytest.fixture(scope="module")
def bundle() -> Path:
    made = sorted((ROOT / "dist").glob("segwatch-*.tar.gz"))
    if not made:
        pytest.skip("there is no bundle in dist/: `make bundle` packs one")
    return made[-1]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if os.geteuid() != 0 or (shutil.which("mmdebstrap") is None and not CLEAN.exists()):
        pytest.skip("needs root, and mmdebstrap (Debian: apt-get install mmdebstrap)")
    if not CLEAN.exists():
        beside = CLEAN.with_suffix(".new.tar")
        command = ["mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(beside)]
        subprocess.run(command, check=True, capture_output=True)
        beside.rename(CLEAN)
    folder = tmp_path_factory.mktemp("root")
    subprocess.run(["tar", "-xf", str(CLEAN), "-C", str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def seen(bundle: Path, root: Path) -> dict[str, Any]:
    """What the driver saw."""
    with tarfile.open(bundle) as tar:
        tar.extractall(root, filter="fully_trusted")
    next(root.glob("segwatch-*")).rename(root / "bundle")
    shutil.copyfile(DRIVER, root / "driver.py")
    alone = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]
    inside = "mount -t proc proc /proc && mount -t tmpfs tmpfs /dev/shm; exec python3 -u /driver.py"
    for device in ("null", "urandom", "random", "zero"):
        (root / "dev" / device).exists() or (root / "dev" / device).touch()
    mounts = " ".join(
        f"mount --bind /dev/{each} {root}/dev/{each};" for each in ("null", "urandom", "random", "zero")
    )
    command = [*alone, "sh", "-c", f"{mounts} exec chroot {root} sh -c '{inside}'"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    print(done.stdout)
    return json.loads(done.stdout.strip().splitlines()[-1])


def test_it_is_installed_without_network(seen: dict[str, Any]):
    assert seen["network"] is False
    assert seen["answers"] == {"prometheus": True, "alertmanager": True}


def test_an_upgrade_in_the_middle_loses_none_and_doubles_none(seen: dict[str, Any]):
    assert seen["version"] == "0.1.1"
    assert seen["scored"] == seen["scored_once"] == seen["studies"]


def test_it_goes_back_with_its_data(seen: dict[str, Any]):
    assert seen["rollback"] == "0.1.0"
    assert seen["after_rollback"] == seen["studies"]


def test_removing_it_leaves_the_data(seen: dict[str, Any]):
    assert seen["left"] == {
        "/var/lib/segwatch/kafka": True,
        "/var/lib/segwatch/store": True,
        "/opt/segwatch": False,
    }
