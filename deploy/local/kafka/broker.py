"""A real Kafka broker on this machine: one KRaft node, broker and controller in one process."""

import base64
import subprocess
import uuid
from pathlib import Path
from typing import Self

from deploy.local.kafka.listeners import Settings, plaintext, secured
from deploy.local.kafka.log_address import LogAddress
from deploy.local.machine.jars import find_jars, find_java
from deploy.local.machine.process import NotReady, base_environment
from deploy.local.machine.setting_lines import setting_lines
from deploy.local.machine.supervisor import Launch, Program
from segwatch.errors import LogUnavailable
from segwatch.streaming.access import BROKER, PLATFORM
from segwatch.streaming.authority import OWNER_ONLY, Authority

LOG_CONFIG = Path(__file__).with_name("log4j2.xml")
STARTED = "Kafka Server started"
HEAP = "-Xmx384m"
QUICK_JAVA = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
"""A small stack on two cores: no garbage-collector threads, no second compiler."""


def cluster_id(drawn: uuid.UUID) -> str:
    """The id of a cluster in Kafka's form: 22 characters of URL-safe base64, from a random draw.

    The highest bit is cleared, so that the first character is a letter: one id in 64 would begin with a dash,
    and Kafka's tool takes that for an option (Kafka's own `random-uuid` draws again for the same reason).
    """
    cleared = drawn.int & ~(1 << 127)
    return base64.urlsafe_b64encode(cleared.to_bytes(16, "big")).decode().rstrip("=")


ONE_NODE = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "auto.create.topics.enable": "false",
    # What Kafka keeps for itself cannot have three copies.
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # A disk that was full can cost the log of the metadata, and with it every topic and right: what Kafka
    # finds damaged there it throws away. A snapshot brings them back; by default there is none for an hour.
    "metadata.log.max.snapshot.interval.ms": "300000",
}
"""The settings of a cluster that is one node."""
THE_RECORD = {
    # Ledger and releases are the record: nobody deletes a topic by mistake (docs/operations/drills.md).
    "delete.topic.enable": "false",
    # A consumer group's place outlives the longest time that a stage may be away (STUDY_DAYS).
    "offsets.retention.minutes": "129600",
}
"""Of a log that stays."""


class Broker(Program):
    """One broker with its data in one folder, on loopback; topics are not made by themselves.

    With an authority it speaks TLS only, wants a certificate of everybody, and lets nobody but itself and the
    principal `platform` do anything that no rule allows. Without one it is open plaintext, for tests that are
    about something else.

    Port and data stay the same over `stop` or `kill` and another `start`. Start it from a thread that lives
    on: Linux ends it with the thread that started it.

    Args:
        folder: its data, configuration and log (`broker.log`); made where it is missing.
        name: how it is called in messages.
        authority: signs the certificates of who may come in; plaintext without.
        more_ports: how many ports it has beside those for clients and for controllers.

    Examples:
        >>> with Broker(Path("/tmp/example")) as broker:  # doctest: +SKIP
        ...     print(broker.bootstrap)
    """

    def __init__(
        self, folder: Path, *, name: str = "broker", authority: Authority | None = None, more_ports: int = 0
    ) -> None:
        super().__init__(name, ports=2 + more_ports)
        self.folder = folder.resolve()
        self._identities = (authority.issue(BROKER), authority.issue(PLATFORM)) if authority else None

    @property
    def bootstrap(self) -> str:
        """Where clients connect: `host:port`."""
        return self.address

    @property
    def log_address(self) -> LogAddress:
        """How the one who makes its topics and rights reaches it."""
        return LogAddress(self.bootstrap, identity=self._identities[1] if self._identities else None)

    def start(self) -> Self:
        """Start it and wait until it answers.

        Raises:
            NoJava: no Java or no jars.
            NotReady: it did not come up; the message holds the end of its log.
        """
        self.launch()
        self.wait()
        return self

    def launch(self) -> None:
        """Start it and return at once, so that several can come up side by side; then `wait`."""
        self._configure()
        super().launch()

    def recipe(self) -> Launch:
        """Java with its jars; a busy machine with many brokers takes its time."""
        command = [*_java("-Xms128m", HEAP), "kafka.Kafka", str(self._properties)]
        return Launch(command, base_environment(), self.folder / "broker.log", self._answers)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def _configure(self) -> None:
        """Write its configuration, and give the folder a cluster id, once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._properties.touch(OWNER_ONLY)
        self._properties.write_text(setting_lines(self.settings()))
        if (self.folder / "data" / "meta.properties").exists():
            return
        tool = [*_java("-Xmx128m"), "kafka.tools.StorageTool", "format"]
        done = subprocess.run(
            [*tool, "-t", cluster_id(uuid.uuid4()), "-c", str(self._properties)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise NotReady(f"{self.name} could not be prepared:\n{(done.stdout + done.stderr).strip()}")

    def _answers(self) -> bool:
        # Not before it says so: kafka-python waits for ever for a stranger who listens there and is silent.
        if not self.child.says(STARTED):
            return False
        try:
            self.log_address.open().close()
        except LogUnavailable:
            return False
        return True

    def settings(self) -> Settings:
        """Its server.properties, with the ports that it has now."""
        client, controller = self.ports[:2]
        identities = self._identities
        return {
            **(secured(client, controller, *identities) if identities else plaintext(client, controller)),
            "log.dirs": str(self.folder / "data"),
            **ONE_NODE,
            "group.initial.rebalance.delay.ms": "0",
            # After a kill -9 the new broker waits until the old one's session has ended (9 s by default).
            "broker.session.timeout.ms": "4000",
            "broker.heartbeat.interval.ms": "500",
            "num.network.threads": "2",
            "num.io.threads": "4",
            "log.cleaner.dedupe.buffer.size": "8388608",
        }


def _java(*memory: str) -> list[str]:
    config = f"-Dlog4j2.configurationFile={LOG_CONFIG}"
    return [find_java(), *memory, *QUICK_JAVA, config, "-cp", f"{find_jars()}/*"]
