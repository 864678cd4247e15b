"""The hospital and the centre under faults: real brokers, real bridge, real services as processes.

Plaintext on loopback. What died is started again after a pause, as Kubernetes does; nothing else is done
by hand.
"""

import json
import secrets
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import psutil

from deploy.local.kafka.bridge import Bridge
from deploy.local.kafka.broker import Broker
from deploy.local.machine.folders import MODELS
from deploy.local.machine.loopback_http import is_ok
from deploy.local.machine.ports import LOOPBACK
from deploy.local.machine.process import base_environment
from deploy.local.machine.supervisor import Launch, Program, start_all, stop_all
from deploy.local.stack.service import ONE_THREAD
from segwatch.streaming.kafka.log import KafkaLog
from segwatch.streaming.settings import ConnectionSettings
from segwatch.streaming.topics import make_centre_topics, make_hospital_topics
from tests.faults.disk import SmallDisk

SITE = "hospital-a"
STAGES = ("segmentation", "features", "scoring")
"""Services that are members of a group; the others are in none."""
SERVICES = ("ingest", *STAGES, "aggregation")
EVERY = (*SERVICES, "federation")
PARTITIONS = 3
POLICY = """\
version: demo-faults
pulse_studies: 20
portrait_studies: 100
means_of: [connected_components, lesions_within_lungs]
name_scorer: true
dates: week
heartbeat_seconds: 20
"""
START_SECONDS = 240.0


class FaultyService(Program):
    """One service with faults on demand, looked after: `service_process`.

    Args:
        service: the folder's name under `services/`.
        name: its own, which its member of the group and its files bear too.
        environment: all that it is told but its port.
        logs: folder for its output.
    """

    def __init__(self, service: str, name: str, environment: Mapping[str, str], logs: Path) -> None:
        super().__init__(name, ports=1)
        self.service = service
        self._environment = environment
        self._output = logs / f"{name}.log"

    @property
    def pid(self) -> int | None:
        return self.child.pid

    def recipe(self) -> Launch:
        return Launch(
            command=[sys.executable, "-m", "tests.faults.service_process", f"services.{self.service}"],
            env={**self._environment, "SEGWATCH_HTTP_PORT": str(self.port)},
            log=self._output,
            ready=lambda: is_ok(self.port, "/readyz"),
            seconds=START_SECONDS,
        )


class FaultSite:
    """Everything that runs, in one folder.

    Attributes:
        faults: the folder of the files that switch faults inside processes on.
        away: names of parts that are not to be started again for now, since a fault is about that.
        zombies: processes that were frozen and replaced, and were woken.
    """

    def __init__(self, folder: Path, session_seconds: float) -> None:
        self.folder = folder
        self.inbox, self.store, self.faults = folder / "inbox", folder / "store", folder / "faults"
        self._scratch = folder / "tmp"
        for made in (self.inbox, self.store, self.faults, self._scratch):
            made.mkdir(parents=True)
        self.secret = secrets.token_hex(32)
        (folder / "secret").touch(mode=0o600)
        (folder / "secret").write_text(self.secret)
        (folder / "policy.yaml").write_text(POLICY)
        self.audit_log = folder / "audit.jsonl"
        self.scorer = MODELS / "demo-scorer"
        self.session_seconds = session_seconds
        self.disk = SmallDisk(folder / "broker" / "data")
        self.hospital = Broker(folder / "broker", name="the hospital's broker")
        self.centre = Broker(folder / "central" / "broker", name="the centre's broker")
        self.processes: dict[str, FaultyService] = {}
        self.extra: list[FaultyService] = []
        self.zombies: list[FaultyService] = []
        self.away: set[str] = set()

    def start(self) -> None:
        """Start everything, brokers first.

        Raises:
            NotReady: something did not come up.
        """
        start_all([self.hospital, self.centre])
        self._make_topics()
        self.processes = {service: self.make(service) for service in EVERY}
        start_all([self.bridge, *self.processes.values()])

    @cached_property
    def bridge(self) -> Bridge:
        """Made when both brokers are up, whose addresses it is told."""
        hospital, centre = self.hospital.log_address, self.centre.log_address
        return Bridge(SITE, self.folder / "bridge", hospital=hospital, centre=centre)

    def make(self, service: str, member: str | None = None) -> FaultyService:
        """A process of the service, not started yet. `member`: another member of its group."""
        name = member or service
        environment = {
            **base_environment(),
            "TMPDIR": str(self._scratch),  # what libraries put there goes with the run, also after a kill -9
            **ONE_THREAD,
            "FAULTS_FOLDER": str(self.faults),
            "FAULTS_NAME": name,
            "FAULTS_SESSION_MS": str(int(self.session_seconds * 1000)),
            **{f"SEGWATCH_{key}": value for key, value in self._settings(service, name).items()},
        }
        return FaultyService(service, name, environment, self.folder / "logs")

    def launch_again(self, service: str) -> FaultyService:
        """Start another process instead of the service's, with the same identity; the one that was there."""
        old = self.processes[service]
        self.processes[service] = self.make(service)
        self.processes[service].launch()
        return old

    def kill(self, service: str) -> None:
        """End the service's process as a power cut would; it is started again by `tend`."""
        self.processes[service].child.kill()

    def freeze(self, process: FaultyService) -> bool:
        """SIGSTOP; False where it does not run."""
        return process.pid is not None and send(process.pid, signal.SIGSTOP)

    def wake(self, process: FaultyService) -> None:
        """SIGCONT."""
        if process.pid is not None:
            send(process.pid, signal.SIGCONT)

    def arm(self, process: str, point: str, text: str = "") -> Path:
        """Switch a fault inside a process on; the file that did."""
        path = self.faults / f"{process}.{point}"
        hidden = path.with_name(f".{path.name}")
        hidden.write_text(text)
        return hidden.rename(path)

    def tend(self) -> Iterator[str]:
        """Start again what died; what happened."""
        parts = {each.name: each for each in (*self.processes.values(), *self.extra)}
        parts |= {"hospital": self.hospital, "centre": self.centre, "bridge": self.bridge}
        for name, part in parts.items():
            if name not in self.away and (happened := part.tend()):
                yield happened

    def open_log(self, *, centre: bool = False) -> KafkaLog:
        """A connection of the harness's own."""
        broker = self.centre if centre else self.hospital
        return KafkaLog(ConnectionSettings(kafka_bootstrap=broker.bootstrap))

    def stop(self) -> None:
        """End everything, whatever state it is in."""
        everyone = [*self.processes.values(), *self.extra, *self.zombies]
        for process in everyone:
            self.wake(process)
        for broker in (self.hospital, self.centre):
            wake_broker(broker)
        stop_all([*everyone, self.bridge])
        stop_all([self.hospital, self.centre])
        self.disk.close()

    def _make_topics(self) -> None:
        with self.open_log() as log:
            make_hospital_topics(log, PARTITIONS)
        with self.open_log(centre=True) as log:
            make_centre_topics(log, [SITE])

    def _settings(self, service: str, name: str) -> dict[str, str]:
        broker = self.centre if service == "federation" else self.hospital
        common = {
            "SITE": SITE,
            "KAFKA_BOOTSTRAP": broker.bootstrap,
            "MEMBER": f"{SITE}-{name}-0",
            "HTTP_HOST": LOOPBACK,
            "LOG_LEVEL": "INFO",
        }
        special = {
            "ingest": {
                "STORE": str(self.store),
                "INBOX": str(self.inbox),
                "PSEUDONYM_SECRET_FILE": str(self.folder / "secret"),
                "QUIET_SECONDS": "0.5",
            },
            "segmentation": {
                "STORE": str(self.store),
                "LESION_MODEL": str(MODELS / "demo-lesion"),
                "THREADS": "1",
            },
            "features": {"STORE": str(self.store)},
            "scoring": {"SCORER": str(self.scorer)},
            "aggregation": {
                "POLICY": str(self.folder / "policy.yaml"),
                "AUDIT_LOG": str(self.audit_log),
            },
            "federation": {},
        }
        return {**common, **special[service]}


def newer_scorer(folder: Path) -> Path:
    """The demonstration's scorer under another name: another scorer to everybody who reads its results."""
    made = folder / "newer-scorer"
    made.mkdir()
    for file in (MODELS / "demo-scorer").iterdir():
        (made / file.name).write_bytes(file.read_bytes())
    manifest = json.loads((made / "manifest.json").read_text())
    manifest["name"] = "demo-newer"
    (made / "manifest.json").write_text(json.dumps(manifest))
    return made


def send(pid: int, number: signal.Signals) -> bool:
    """Send a signal to a process and all under it; False where it is gone."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                each.send_signal(number)
        return True
    return False


def freeze_broker(broker: Broker) -> bool:
    """SIGSTOP."""
    pid = broker.child.pid
    return pid is not None and send(pid, signal.SIGSTOP)


def wake_broker(broker: Broker) -> None:
    """SIGCONT, where it was ever started."""
    with suppress(RuntimeError):
        pid = broker.child.pid
        if pid is not None:
            send(pid, signal.SIGCONT)
