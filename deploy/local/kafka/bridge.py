"""The bridge of one hospital: MirrorMaker 2's source connector in a Connect worker of the hospital.

The worker is attached to the hospital's broker and takes its orders there; only the connector's producer
points at the centre. It copies the release topic and nothing else. Connect says RUNNING of a connector
whose task has failed, so the task's state is what is watched.
"""

import json
import time
from pathlib import Path

from deploy.local.kafka.certificates import OWNER_ONLY, Identity
from deploy.local.kafka.listeners import stores
from deploy.local.kafka.worker_api import WorkerApi
from deploy.local.machine.jars import find_jars, find_java
from deploy.local.machine.ports import free_ports
from deploy.local.machine.process import base_environment
from deploy.local.machine.supervisor import Launch, Program
from segwatch.contracts.topics import RELEASE

LOG_CONFIG = Path(__file__).with_name("log4j2.xml")
CONNECTOR = "release-bridge"
BYTES = "org.apache.kafka.connect.converters.ByteArrayConverter"
SECONDS_BETWEEN_LOOKS = 2.0
QUICK_JAVA = ("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")


class Bridge:
    """Carries one hospital's releases to the centre.

    Args:
        site: the hospital's name, which becomes the topic's prefix at the centre.
        folder: configuration, offsets and log.
        hospital: the hospital's broker, `host:port`.
        centre: the centre's broker, `host:port`; the topic there must exist.
        here: as whom it comes to the hospital's broker; plaintext without.
        there: as whom it comes to the centre's.
    """

    def __init__(
        self,
        site: str,
        folder: Path,
        *,
        hospital: str,
        centre: str,
        here: Identity | None = None,
        there: Identity | None = None,
    ) -> None:
        self.name = f"{site} bridge"
        self.folder = folder.resolve()
        self._files = {
            "worker.properties": worker_settings(hospital, self.folder / "offsets") | worker_keys(here),
            "connector.json": connector_settings(site, hospital=hospital, centre=centre)
            | connector_keys(here, there),
        }
        (self.port,) = free_ports(1)
        self.api = WorkerApi(self.port, self.folder / "keys" if here else None)
        self._looked = 0.0
        self._program: Program | None = None

    def launch(self) -> None:
        """Start the worker and return at once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        worker = self._files["worker.properties"] | self.api.settings
        properties = self.folder / "worker.properties"
        properties.touch(OWNER_ONLY)
        properties.write_text("".join(f"{key}={value}\n" for key, value in worker.items()))
        connector = self.folder / "connector.json"
        connector.touch(OWNER_ONLY)
        connector.write_text(json.dumps(self._files["connector.json"], indent=2) + "\n")
        command = [find_java(), *QUICK_JAVA, f"-Dlog4j2.configurationFile={LOG_CONFIG}"]
        command += ["-cp", f"{find_jars()}/*", "org.apache.kafka.connect.cli.ConnectStandalone"]
        command += [str(properties), str(connector)]
        log = self.folder / "bridge.log"
        self._program = Program(Launch(self.name, command, base_environment(), log, self._copies, seconds=90))
        self._program.launch()

    def wait(self) -> None:
        """Wait until its task runs.

        Raises:
            NotReady: it ended, or its task did not run in time.
        """
        self.program.wait()

    @property
    def program(self) -> Program:
        """The worker's process.

        Raises:
            RuntimeError: it was never started.
        """
        if self._program is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._program

    def task_states(self) -> list[str]:
        """State of each task (`RUNNING`, `FAILED`, …); empty where there is none or nothing answers."""
        status = self.api.get(f"/connectors/{CONNECTOR}/status")
        return [task["state"] for task in status["tasks"]] if status else []

    def tend(self) -> str | None:
        """Start the worker again where it died, and its task where it failed; what happened."""
        happened = self.program.tend()
        if happened or time.monotonic() - self._looked < SECONDS_BETWEEN_LOOKS:
            return happened
        self._looked = time.monotonic()
        if "FAILED" not in self.task_states():
            return None
        self.api.post(f"/connectors/{CONNECTOR}/restart?includeTasks=true&onlyFailed=true")
        return f"{self.name}: its task had failed and was started again (see {self.program.child.log})"

    def terminate(self) -> None:
        """Ask it to end; return at once."""
        if self._program is not None:
            self._program.terminate()

    def stop(self) -> None:
        """End it, by force where it does not listen."""
        if self._program is not None:
            self._program.stop()

    def _copies(self) -> bool:
        return self.api.get("/") is not None and self.task_states() == ["RUNNING"]


def worker_settings(hospital: str, offsets: Path) -> dict[str, str]:
    """The Connect worker's settings: it belongs to the hospital and keeps its place in a file there."""
    return {
        "bootstrap.servers": hospital,
        "key.converter": BYTES,
        "value.converter": BYTES,
        "header.converter": BYTES,
        "offset.storage.file.filename": str(offsets),
        "offset.flush.interval.ms": "1000",
        "plugin.discovery": "service_load",
        "connector.client.config.override.policy": "All",
        "topic.creation.enable": "false",
    }


def connector_settings(site: str, *, hospital: str, centre: str) -> dict[str, str]:
    """The connector's settings: one topic, nothing synchronised, nothing made at the centre.

    `offset-syncs.*` must hold nothing but the `emit` switch, or the connector silently never starts.
    """
    return {
        "name": CONNECTOR,
        "connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector",
        "tasks.max": "1",
        "topics": RELEASE.replace(".", "\\."),
        "source.cluster.alias": site,
        "target.cluster.alias": "central",
        "source.cluster.bootstrap.servers": hospital,
        "target.cluster.bootstrap.servers": centre,
        "producer.override.bootstrap.servers": centre,
        "admin.override.bootstrap.servers": centre,
        "key.converter": BYTES,
        "value.converter": BYTES,
        "header.converter": BYTES,
        "emit.offset-syncs.enabled": "false",
        "sync.topic.configs.enabled": "false",
        "sync.topic.acls.enabled": "false",
    }


def worker_keys(here: Identity | None) -> dict[str, str]:
    """How the worker, and its connector's consumer, show themselves to the hospital's broker."""
    return _keys(("", "producer.", "consumer.", "admin."), here)


def connector_keys(here: Identity | None, there: Identity | None) -> dict[str, str]:
    """How the connector shows itself: as the hospital's bridge inside, as the hospital at the centre."""
    outward = ("target.cluster.", "producer.override.", "admin.override.")
    return _keys(("source.cluster.",), here) | _keys(outward, there)


def _keys(prefixes: tuple[str, ...], identity: Identity | None) -> dict[str, str]:
    if identity is None:
        return {}
    told: dict[str, str] = {}
    for prefix in prefixes:
        told |= {f"{prefix}security.protocol": "SSL"} | stores(prefix, identity)
    return told
