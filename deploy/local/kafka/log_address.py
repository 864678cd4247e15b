"""Where a site's log is, and as whom one comes to it."""

from dataclasses import dataclass, replace
from pathlib import Path

from segwatch.streaming.authority import Identity
from segwatch.streaming.connect import open_log
from segwatch.streaming.log import Log
from segwatch.streaming.settings import PREFIX, ConnectionSettings


@dataclass(frozen=True)
class LogAddress:
    """Where a site's log is: a broker's address or, with the embedded log, a file.

    Attributes:
        bootstrap: the broker, `host:port`.
        file: the SQLite file.
        identity: as whom, where the broker wants to know.
    """

    bootstrap: str | None = None
    file: Path | None = None
    identity: Identity | None = None

    def known_as(self, identity: Identity | None) -> "LogAddress":
        """The same log for somebody else."""
        return replace(self, identity=identity)

    @property
    def environment(self) -> dict[str, str]:
        """The settings that tell a service where its log is."""
        return {f"{PREFIX}{name.upper()}": str(value) for name, value in self._settings().items()}

    @property
    def settings(self) -> ConnectionSettings:
        """The same for a connection in this process."""
        return ConnectionSettings.model_validate(self._settings())

    def open(self) -> Log:
        """A connection."""
        return open_log(self.settings)

    def _settings(self) -> dict[str, str | Path | None]:
        if self.file is not None:
            return {"log": "embedded", "log_file": self.file}
        where: dict[str, str | Path | None] = {"log": "kafka", "kafka_bootstrap": self.bootstrap}
        if self.identity is None:
            return where
        return where | {
            "kafka_security": "SSL",
            "kafka_ca_file": self.identity.ca,
            "kafka_cert_file": self.identity.certificate,
            "kafka_key_file": self.identity.key,
        }
