"""Runs inside the clean root, by its own Python, without network: installs, feeds, upgrades, goes back.

systemd is not the first process there, so each unit's ExecStartPre and ExecStart are run as the unit's user,
with its environment and its folder; the hardening is systemd's alone, and is checked elsewhere. What was seen
is printed as one JSON object on the last line.
"""

import fcntl
import grp
import json
import os
import pwd
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

BUNDLE, CASES, UNITS = Path("/bundle"), Path("/cases"), Path("/etc/systemd/system")
CURRENT, DATA = Path("/opt/segwatch/current"), Path("/var/lib/segwatch")
STUDIES = int(os.environ.get("STUDIES", "12"))
ORDER = (
    "kafka",
    "platform",
    "ingest",
    "segmentation",
    "features",
    "scoring",
    "aggregation",
    "prometheus",
    "alertmanager",
)
PATIENCE = 600.0
COUNT = """
import json
from deploy.server.kafka import address
from segwatch.contracts.topics import RECEIVED, SCORED
with address().open() as log:
    seen = {}
    for topic in (RECEIVED, SCORED):
        with log.reader([topic]) as reader:
            keys = []
            while not reader.at_end():
                keys += [(r.key or b"").decode() for r in reader.poll(1.0)]
        seen[topic] = keys
print(json.dumps(seen))
"""


def main() -> None:
    loopback_up()
    seen: dict[str, object] = {"network": reaches_out()}
    Path("/hospital.env").write_text(settings())
    started = time.monotonic()
    install(BUNDLE)
    seen["install_seconds"] = round(time.monotonic() - started)
    shutil.copytree(CURRENT / "app/deploy/models/demo-scorer", DATA / "models/scorer")
    made_readable(DATA / "models")
    running = start_all()
    make_cases()
    feed(range(STUDIES // 2))
    wait_for("received", 1)
    stop_all(running)  # in the middle: studies are under way
    newer = another_version()
    install(newer)
    seen["version"] = CURRENT.readlink().name
    running = start_all()
    feed(range(STUDIES // 2, STUDIES))
    scored = wait_for("scored", STUDIES)
    seen["studies"] = STUDIES
    seen["scored"], seen["scored_once"] = len(scored), len(set(scored))
    seen["answers"] = answers()
    stop_all(running)
    seen["rollback"] = deploy("rollback") and CURRENT.readlink().name
    running = start_all()
    seen["after_rollback"] = len(set(wait_for("scored", STUDIES)))
    stop_all(running)
    python = CURRENT.resolve() / "venv/bin/python"
    subprocess.run(
        [str(python), "-m", "deploy.server", "uninstall"], cwd=CURRENT.resolve() / "app", check=True
    )
    seen["left"] = {
        str(each): each.exists() for each in (DATA / "kafka", DATA / "store", Path("/opt/segwatch"))
    }
    print(json.dumps(seen))


def settings() -> str:
    lines = {
        "SITE": "hospital-a",
        "PACS_NETWORK": "10.1.0.0/24",
        "CENTRE_KAFKA": "",
        "CT_UNIT": "auto",
        "DICOM_AE_TITLE": "SEGWATCH",
        "SENDERS_CA": "",
        "DEVICE": "cpu",
        "THREADS": "1",
        "LESION_MODEL": "",
        "LESION_MODEL_SHA256": "",
        "OPINION_MODEL": "",
        "OPINION_MODEL_SHA256": "",
        "LUNG_WEIGHTS": "",
        "LUNG_WEIGHTS_SHA256": "",
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def install(bundle: Path) -> None:
    subprocess.run([str(bundle / "install"), "hospital", "--settings", "/hospital.env"], check=True)


def another_version() -> Path:
    """The same bundle under another number: what an upgrade does, whatever changed in it."""
    newer = Path("/newer")
    shutil.copytree(BUNDLE, newer)
    (newer / "VERSION").write_text("0.1.1\n")
    sums = (newer / "SHA256SUMS").read_text().splitlines()
    digest = subprocess.run(
        ["sha256sum", "VERSION"], cwd=newer, capture_output=True, text=True, check=True
    ).stdout.split()[0]
    sums = [f"{digest}  VERSION" if line.endswith("  VERSION") else line for line in sums]
    (newer / "SHA256SUMS").write_text("\n".join(sums) + "\n")
    return newer


def start_all() -> list[subprocess.Popen[bytes]]:
    """Every unit in its order; the one that ends by itself is waited for."""
    return [each for name in ORDER for each in start(name)]


def start(name: str) -> list[subprocess.Popen[bytes]]:
    unit: dict[str, list[str]] = {}
    for line in (UNITS / f"segwatch-{name}.service").read_text().splitlines():
        key, found, value = line.partition("=")
        if found:
            unit.setdefault(key, []).append(value)
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    environment |= dict(each.split("=", 1) for each in unit.get("Environment", []))
    for file in unit.get("EnvironmentFile", []):
        lines = Path(file).read_text().splitlines()
        environment |= dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    user = pwd.getpwnam(unit["User"][0])
    log = Path(f"/tmp/{name}.log").open("ab")  # noqa: SIM115 - the child's, as long as it lives

    def become(command: str) -> subprocess.Popen[bytes]:
        for key, value in environment.items():
            command = command.replace(f"${{{key}}}", value)
        return subprocess.Popen(
            shlex.split(command),
            cwd=unit["WorkingDirectory"][0],
            env=environment,
            user=user.pw_uid,
            group=grp.getgrnam(unit["Group"][0]).gr_gid,
            extra_groups=[grp.getgrnam(each).gr_gid for each in unit["SupplementaryGroups"][0].split()],
            umask=int(unit["UMask"][0], 8),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    for before in unit.get("ExecStartPre", []):
        assert become(before).wait(PATIENCE) == 0, Path(log.name).read_text()[-2000:]
    child = become(unit["ExecStart"][0])
    if unit.get("Type") == ["oneshot"]:
        assert child.wait(PATIENCE) == 0, Path(log.name).read_text()[-2000:]
        return []
    return [child]


def stop_all(running: list[subprocess.Popen[bytes]]) -> None:
    """As systemd does: the last that was started first, SIGTERM, and time to finish."""
    for child in reversed(running):
        child.send_signal(signal.SIGTERM)
        child.wait(PATIENCE)


def make_cases() -> None:
    command = [str(CURRENT / "venv/bin/segwatch"), "phantom", "--out", str(CASES), "--count", str(STUDIES)]
    subprocess.run(command, check=True, capture_output=True, env={"PATH": "/usr/bin:/bin", "HOME": "/tmp"})
    for case in CASES.iterdir():
        (case / "lesion_truth.nii.gz").rename(case / "lesion_predicted.nii.gz")


def feed(numbers: range) -> None:
    cases = sorted(CASES.iterdir())
    user = pwd.getpwnam("segwatch-ingest")
    for number in numbers:
        beside = DATA / "inbox" / f".{cases[number].name}"
        shutil.copytree(cases[number], beside)
        for each in (beside, *beside.iterdir()):
            os.chown(each, user.pw_uid, user.pw_gid)
        beside.rename(DATA / "inbox" / cases[number].name)


def wait_for(what: str, number: int) -> list[str]:
    """The keys of a topic's records, once so many studies are in it."""
    until = time.monotonic() + PATIENCE
    while True:
        found = [each for topic, keys in count().items() if what in topic for each in keys]
        if len(set(found)) >= number:
            return found
        if time.monotonic() > until:
            logs = {
                each.name: each.read_text(errors="replace")[-1500:] for each in Path("/tmp").glob("*.log")
            }
            sys.exit(f"{len(set(found))} of {number} were {what}: {json.dumps(logs, indent=1)}")
        time.sleep(2)


def count() -> dict[str, list[str]]:
    done = subprocess.run(
        [str(CURRENT / "venv/bin/python"), "-c", COUNT],
        cwd=CURRENT / "app",
        capture_output=True,
        text=True,
        check=False,
    )
    return dict(json.loads(done.stdout)) if done.returncode == 0 else {}


def answers() -> dict[str, bool]:
    """Whether Prometheus and Alertmanager answer."""
    found = {}
    for name, port in (("prometheus", 9090), ("alertmanager", 9095)):
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
            found[name] = True
        except OSError:
            found[name] = False
    return found


def deploy(word: str) -> bool:
    done = subprocess.run(
        [str(CURRENT / "venv/bin/python"), "-m", "deploy.server", word], cwd=CURRENT / "app", check=False
    )
    return done.returncode == 0


def made_readable(folder: Path) -> None:
    for each in (folder, *folder.rglob("*")):
        each.chmod(0o755 if each.is_dir() else 0o644)


def loopback_up() -> None:
    """`ip link set lo up`, where there is no ip."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        request = struct.pack("16sH14s", b"lo", 0x1 | 0x40, b"")  # IFF_UP, IFF_RUNNING
        fcntl.ioctl(asking, 0x8914, request)  # SIOCSIFFLAGS


def reaches_out() -> bool:
    try:
        socket.create_connection(("192.0.2.1", 80), 2).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
