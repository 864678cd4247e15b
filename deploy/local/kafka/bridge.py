"""The bridge of one hospital: MirrorMaker 2's source connector in a Connect worker of the hospital.

The worker is attached to the hospital's broker and takes its orders there; only the connector's producer
points at the centre. It copies the release topic and nothing else. Connect says RUNNING of a connector
whose task has failed, so the task's state is what is watched.
"""

import json
import time
from pathlib import Path

from deploy.local.kafka.listeners import stores
from deploy.local.kafka.log_address import LogAddress
from deploy.local.kafka.worker_api import WorkerApi
from deploy.local.machine.jars import find_jars, find_java
from deploy.local.machine.process import base_environment
from deploy.local.machine.setting_lines import setting_lines
from deploy.local.machine.supervisor import Launch, Program
from segwatch.contracts.topics import RELEASE
from segwatch.errors import LogUnavailable
from segwatch.streaming.authority import OWNER_ONLY

LOG_CONFIG = Path(__file__).with_name("log4j2.xml")
CONNECTOR = "release-bridge"
BYTES = "org.apache.kafka.connect.converters.ByteArrayConverter"
SECONDS_BETWEEN_LOOKS = 2.0
SECONDS_BETWEEN_LOOKS_AT_TOPIC = 20.0
QUICK_JAVA = ("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")


class Bridge(Program):
    """Carries one hospital's releases to the centre.

    Args:
        site: the hospital's name, which becomes the topic's prefix at the centre.
        folder: configuration, offsets and log.
        hospital: the hospital's broker, as whom the bridge comes there.
        centre: the centre's broker, as whom the hospital comes there; the topic must exist.

    Attributes:
        api: its own HTTP door, plain where the hospital's broker asks nobody's name.
    """

    def __init__(self, site: str, folder: Path, *, hospital: LogAddress, centre: LogAddress) -> None:
        super().__init__(f"{site} bridge", ports=1)
        self.folder = folder.resolve()
        self._hospital = hospital
        self._topic: str | None = None
        self._connector = connector_settings(site, hospital=hospital, centre=centre)
        self.api = WorkerApi(lambda: self.port, self.folder / "keys" if hospital.identity else None)
        self._looked = 0.0
        self._look_at_topic = 0.0

    def launch(self) -> None:
        """Start the worker and return at once."""
        self._topic = self._topic_now() or self._topic
        worker = worker_settings(self._hospital, self._offsets) | self.api.settings
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(self._properties, setting_lines(worker))
        _write(self._orders, json.dumps(self._connector, indent=2) + "\n")
        super().launch()

    def recipe(self) -> Launch:
        """Java with the worker's settings and the connector's."""
        command = [find_java(), *QUICK_JAVA, f"-Dlog4j2.configurationFile={LOG_CONFIG}"]
        command += ["-cp", f"{find_jars()}/*", "org.apache.kafka.connect.cli.ConnectStandalone"]
        command += [str(self._properties), str(self._orders)]
        return Launch(command, base_environment(), self.folder / "bridge.log", self._copies, seconds=90)

    def task_states(self) -> list[str]:
        """State of each task (`RUNNING`, `FAILED`, …); empty where there is none or nothing answers."""
        status = self.api.get(f"/connectors/{CONNECTOR}/status")
        return [task["state"] for task in status["tasks"]] if status else []

    def tend(self) -> str | None:
        """Start the worker again where it died, and its task where it failed; what happened."""
        happened = super().tend()
        if happened or time.monotonic() - self._looked < SECONDS_BETWEEN_LOOKS:
            return happened
        self._looked = time.monotonic()
        if self._topic_was_remade():
            self.child.stop()
            self.launch()
            return f"{self.name}: {RELEASE} was deleted and made again, and is copied from its first record"
        if "FAILED" not in self.task_states():
            return None
        self.api.post(f"/connectors/{CONNECTOR}/restart?includeTasks=true&onlyFailed=true")
        return f"{self.name}: its task had failed and was started again (see {self.child.log})"

    def _topic_was_remade(self) -> bool:
        if self._looked < self._look_at_topic:
            return False
        self._look_at_topic = self._looked + SECONDS_BETWEEN_LOOKS_AT_TOPIC
        now = self._topic_now()
        return now is not None and now != self._topic

    def _topic_now(self) -> str | None:
        """Which topic bears the release topic's name; None where nobody answers, or there is none."""
        try:
            with self._hospital.open() as log:
                return log.identities().get(RELEASE)
        except LogUnavailable:
            return None

    @property
    def _offsets(self) -> Path:
        """Connect keys its place by the topic's name alone, so each topic of that name has its own file."""
        return self.folder / f"offsets-{self._topic or 'unknown'}"

    @property
    def _properties(self) -> Path:
        return self.folder / "worker.properties"

    @property
    def _orders(self) -> Path:
        return self.folder / "connector.json"

    def _copies(self) -> bool:
        return self.api.get("/") is not None and self.task_states() == ["RUNNING"]


def worker_settings(hospital: LogAddress, offsets: Path) -> dict[str, str]:
    """The Connect worker's settings: it belongs to the hospital, and its offsets lie in a file there."""
    return {
        "bootstrap.servers": str(hospital.bootstrap),
        "key.converter": BYTES,
        "value.converter": BYTES,
        "header.converter": BYTES,
        "offset.storage.file.filename": str(offsets),
        "offset.flush.interval.ms": "1000",
        "plugin.discovery": "service_load",
        "connector.client.config.override.policy": "All",
        "topic.creation.enable": "false",
        # How the worker, and its connector's consumer, show themselves to the hospital's broker.
        **_keys(("", "producer.", "consumer.", "admin."), hospital),
    }


def connector_settings(site: str, *, hospital: LogAddress, centre: LogAddress) -> dict[str, str]:
    """The connector's settings: one topic, nothing synchronised, nothing made at the centre.

    `offset-syncs.*` must hold nothing but the `emit` switch, or the connector silently never starts.
    """
    return {
        "name": CONNECTOR,
        "connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector",
        "tasks.max": "1",
        "topics": RELEASE.replace(".", "\\."),
        # A topic that is made after the bridge has started is found so soon, and not after ten minutes.
        "refresh.topics.interval.seconds": "60",
        "source.cluster.alias": site,
        "target.cluster.alias": "central",
        "source.cluster.bootstrap.servers": str(hospital.bootstrap),
        "target.cluster.bootstrap.servers": str(centre.bootstrap),
        "producer.override.bootstrap.servers": str(centre.bootstrap),
        "admin.override.bootstrap.servers": str(centre.bootstrap),
        "key.converter": BYTES,
        "value.converter": BYTES,
        "header.converter": BYTES,
        "emit.offset-syncs.enabled": "false",
        "sync.topic.configs.enabled": "false",
        "sync.topic.acls.enabled": "false",
        # As the hospital's bridge inside, as the hospital at the centre.
        **_keys(("source.cluster.",), hospital),
        **_keys(("target.cluster.", "producer.override.", "admin.override."), centre),
    }


def _keys(prefixes: tuple[str, ...], address: LogAddress) -> dict[str, str]:
    if address.identity is None:
        return {}
    settings: dict[str, str] = {}
    for prefix in prefixes:
        settings |= {f"{prefix}security.protocol": "SSL"} | stores(prefix, address.identity)
    return settings


def _write(path: Path, text: str) -> None:
    path.touch(OWNER_ONLY)
    path.write_text(text)
