"""Settings of every service: environment variables `SEGWATCH_…`, checked before anything starts.

A name that nobody knows is refused with the nearest one that exists: a misspelt setting would otherwise be
a default that nobody chose. Secrets are files (`…_FILE`), never values, so that they show in no process list.
"""

import difflib
import os
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from segwatch.errors import BadSettings

PREFIX = "SEGWATCH_"

SHORTEST_KAFKA_WATCHDOG_SECONDS = 90.0
"""A send may rightly take 80 s (20 s to get room, 60 s to be delivered): less would kill the healthy."""


class ConnectionSettings(BaseSettings):
    """Where the log is and how it is reached: all that a tool of the command line needs."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, env_ignore_empty=True)

    site: str = "local"
    """The site's name in log lines; identities at the centre are taken from topics, never from here."""
    log: Literal["kafka", "embedded"] = "kafka"
    log_file: Path | None = None
    kafka_bootstrap: str | None = None
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_SSL"] = "PLAINTEXT"
    kafka_ca_file: Path | None = None
    kafka_cert_file: Path | None = None
    kafka_key_file: Path | None = None
    kafka_username: str | None = None
    kafka_password_file: Path | None = None

    @model_validator(mode="after")
    def _the_log_can_be_reached(self) -> Self:
        if self.log == "embedded":
            _need(self.log_file is not None, "LOG=embedded needs LOG_FILE, the path of its SQLite file")
            return self
        _need(self.kafka_bootstrap is not None, "LOG=kafka needs KAFKA_BOOTSTRAP, such as kafka:9092")
        if self.kafka_security != "PLAINTEXT":
            _need(
                self.kafka_ca_file is not None,
                f"KAFKA_SECURITY={self.kafka_security} needs KAFKA_CA_FILE, the CA's certificate in PEM",
            )
        _need(
            (self.kafka_cert_file is None) == (self.kafka_key_file is None),
            "KAFKA_CERT_FILE and KAFKA_KEY_FILE belong together: give both or neither",
        )
        if self.kafka_security == "SASL_SSL":
            _need(
                self.kafka_username is not None and self.kafka_password_file is not None,
                "KAFKA_SECURITY=SASL_SSL needs KAFKA_USERNAME and KAFKA_PASSWORD_FILE",
            )
        return self

    @model_validator(mode="after")
    def _files_are_there(self) -> Self:
        for name in ("kafka_ca_file", "kafka_cert_file", "kafka_key_file", "kafka_password_file"):
            path: Path | None = getattr(self, name)
            _need(path is None or path.is_file(), f"{name.upper()}: there is no file {path}")
        return self


class ServiceSettings(ConnectionSettings):
    """What every service is told. A service adds its own fields in a subclass."""

    member: str | None = None
    """The static member id: unique and stable, such as a StatefulSet's pod name."""
    http_host: str = "0.0.0.0"  # noqa: S104 - probes and Prometheus come from outside the container
    http_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 3
    watchdog_seconds: Annotated[float, Field(gt=0)] = 120.0

    def disks(self) -> dict[str, Path]:
        """The folders whose room is watched, by name; a service adds its own."""
        return {}

    def certificates(self) -> dict[str, Path | None]:
        """The files whose certificates' end is watched, by name; a service adds its own."""
        return {"kafka_ca_file": self.kafka_ca_file, "kafka_cert_file": self.kafka_cert_file}

    @model_validator(mode="after")
    def _the_watchdog_outlasts_a_client_call(self) -> Self:
        _need(
            self.log == "embedded" or self.watchdog_seconds >= SHORTEST_KAFKA_WATCHDOG_SECONDS,
            f"WATCHDOG_SECONDS must be at least {SHORTEST_KAFKA_WATCHDOG_SECONDS:g} with Kafka:"
            " a send may take 80 s where the broker is away, and is then tried again",
        )
        return self


Settings = TypeVar("Settings", bound=ConnectionSettings)


def load_settings(kind: type[Settings], *, strangers: bool = False) -> Settings:
    """The settings that the process's environment holds.

    Args:
        kind: which settings.
        strangers: whether unknown names are allowed: for tools, which run in a service's environment.

    Raises:
        BadSettings: naming each setting that is unknown, missing or wrong. Values are not shown.
    """
    known = {f"{PREFIX}{name.upper()}" for name in kind.model_fields}
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    if unknown and not strangers:
        raise BadSettings("; ".join(_unknown(name, known) for name in unknown))
    try:
        return kind()
    except ValidationError as error:
        raise BadSettings(_problems(error)) from None
    except SettingsError as error:
        raise BadSettings(f"{error}: lists are written as JSON") from None


def secret(path: Path) -> str:
    """The secret in a file, without the line's end.

    Raises:
        BadSettings: the file cannot be read or is empty.
    """
    try:
        text = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"the secret's file {path} cannot be read: {type(error).__name__}") from None
    if not text:
        raise BadSettings(f"the secret's file {path} is empty")
    return text


def _unknown(name: str, known: set[str]) -> str:
    bare = {full.removeprefix(PREFIX): full for full in known}
    nearest = difflib.get_close_matches(name.removeprefix(PREFIX), bare, n=1)
    hint = f"the nearest is {bare[nearest[0]]}" if nearest else f"known are {', '.join(sorted(known))}"
    return f"{name} is not a setting of this service; {hint}"


def _problems(error: ValidationError) -> str:
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        text = "is not set" if problem["type"] == "missing" else problem["msg"].removeprefix("Value error, ")
        lines.append(f"{PREFIX}{str(problem['loc'][0]).upper()}: {text}" if problem["loc"] else text)
    return "; ".join(lines)


def _need(there: bool, what: str) -> None:
    if not there:
        raise ValueError(what)
