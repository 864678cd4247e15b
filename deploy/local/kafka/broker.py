"""A real Kafka broker on this machine: one KRaft node, broker and controller in one process."""

import base64
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.kafka.certificates import OWNER_ONLY, Authority
from deploy.local.kafka.listeners import plaintext, secured
from deploy.local.kafka.log_address import LogAddress
from deploy.local.machine.jars import find_jars, find_java
from deploy.local.machine.ports import LOOPBACK, free_ports, listens
from deploy.local.machine.process import NotReady, base_environment
from deploy.local.machine.supervisor import Launch, Program
from segwatch.errors import LogUnavailable

LOG_CONFIG = Path(__file__).with_name("log4j2.xml")
START_SECONDS = 60
"""It takes 2 s on an idle machine; a busy one with many brokers takes its time."""
BROKER, PLATFORM = "broker", "platform"
"""The two principals that may do everything: the broker itself, and who makes its topics and rights."""
QUICK_JAVA = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
"""A small stack on two cores: no garbage-collector threads, no second compiler."""


def cluster_id(drawn: uuid.UUID) -> str:
    """The id of a cluster in Kafka's form: 22 characters of URL-safe base64, from a random draw.

    The highest bit is cleared, so that the first character is a letter: one id in 64 would begin with a dash,
    and Kafka's tool takes that for an option (Kafka's own `random-uuid` draws again for the same reason).
    """
    kept = drawn.int & ~(1 << 127)
    return base64.urlsafe_b64encode(kept.to_bytes(16, "big")).decode().rstrip("=")


class Broker:
    """One broker, kept in one folder, on loopback; topics are not made by themselves.

    With an authority it speaks TLS only, wants a certificate of everybody, and lets nobody but itself and the
    principal `platform` do anything that no rule allows. Without one it is open plaintext, for tests that are
    about something else.

    Port and data stay the same over `stop` or `kill` and another `start`. Start it from a thread that lives
    on: Linux ends it with the thread that started it.

    Args:
        folder: its data, configuration and log (`broker.log`); made where it is missing.
        name: how it is called in messages.
        heap_mb: Java's heap.
        settings: lines of server.properties that are added or replaced.
        authority: signs the certificates of who may come in; plaintext without.

    Attributes:
        place: how the one who makes its topics and rights reaches it.

    Examples:
        >>> with Broker(Path("/tmp/example")) as broker:  # doctest: +SKIP
        ...     print(broker.bootstrap)
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str = "broker",
        heap_mb: int = 384,
        settings: Mapping[str, str] | None = None,
        authority: Authority | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.name = name
        self._heap_mb = heap_mb
        self.port, self._controller_port = free_ports(2)
        self.place = LogAddress(self.bootstrap, identity=authority.issue(PLATFORM) if authority else None)
        self._authority = authority
        self._settings = {**self._defaults(), **(settings or {})}
        self._program: Program | None = None

    @property
    def bootstrap(self) -> str:
        """Where clients connect: `host:port`."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def ports(self) -> tuple[int, int]:
        """Where clients and where controllers connect."""
        return self.port, self._controller_port

    @property
    def program(self) -> Program:
        """The broker's process.

        Raises:
            RuntimeError: it was never started.
        """
        if self._program is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._program

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
        self._format()
        command = [*self._java(f"-Xms128m -Xmx{self._heap_mb}m"), "kafka.Kafka", str(self._properties)]
        log = self.folder / "broker.log"
        self._program = Program(
            Launch(self.name, command, base_environment(), log, self._answers, START_SECONDS)
        )
        self._program.launch()

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            NotReady: it did not come up; the message holds the end of its log.
        """
        self.program.wait()

    def tend(self) -> str | None:
        """Start it again where it died by itself; what happened, if anything did."""
        return self.program.tend()

    def terminate(self) -> None:
        """Ask it to end; return at once."""
        if self._program is not None:
            self._program.terminate()

    def stop(self) -> None:
        """End it in order."""
        if self._program is not None:
            self._program.stop()

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL); `start` brings it back."""
        self.program.terminate_at_once()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def _java(self, memory: str) -> list[str]:
        return [
            find_java(),
            *memory.split(),
            *QUICK_JAVA,
            f"-Dlog4j2.configurationFile={LOG_CONFIG}",
            "-cp",
            f"{find_jars()}/*",
        ]

    def _format(self) -> None:
        """Write the configuration and give the folder a cluster id, once."""
        if (self.folder / "data" / "meta.properties").exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = (f"{key}={value}\n" for key, value in self._settings.items())
        self._properties.touch(OWNER_ONLY)
        self._properties.write_text("".join(lines))
        tool = [*self._java("-Xmx128m"), "kafka.tools.StorageTool", "format"]
        done = subprocess.run(
            [*tool, "-t", cluster_id(uuid.uuid4()), "-c", str(self._properties)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise NotReady(f"{self.name} could not be prepared:\n{(done.stdout + done.stderr).strip()}")

    def _answers(self) -> bool:
        if not listens(self.port):
            return False
        try:
            self.place.open().close()
        except LogUnavailable:
            return False
        return True

    def _listeners(self) -> dict[str, str]:
        if self._authority is None:
            return plaintext(self.port, self._controller_port)
        own, platform = self._authority.issue(BROKER), self._authority.identity(PLATFORM)
        return secured(self.port, self._controller_port, own, (own, platform))

    def _defaults(self) -> dict[str, str]:
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            **self._listeners(),
            "log.dirs": str(self.folder / "data"),
            "auto.create.topics.enable": "false",
            # One node: what Kafka keeps for itself cannot have three copies.
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            # After a kill -9 the new broker waits until the old one's session has ended (9 s by default).
            "broker.session.timeout.ms": "4000",
            "broker.heartbeat.interval.ms": "500",
            "num.network.threads": "2",
            "num.io.threads": "4",
            "log.cleaner.dedupe.buffer.size": "8388608",
        }
