"""Where everything lies on a server."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["hospital", "centre"]
HOSPITAL_SERVICES = ("ingest", "segmentation", "features", "scoring", "aggregation")
CENTRE_SERVICES = ("federation",)
GROUP = "segwatch"
STORE_USERS = ("ingest", "segmentation", "features")
"""Who comes to the volume store, by its group."""
STORE_GROUP = "segwatch-store"
INBOX_GROUP = "segwatch-inbox"
"""Who puts examinations into the inbox: ingest, the operator, and whom the hospital adds."""
OPERATOR = "operator"
"""Who types commands: a user of the log that is no program."""


def services_of(kind: Kind) -> tuple[str, ...]:
    """The services of a kind, in a study's order."""
    return CENTRE_SERVICES if kind == "centre" else HOSPITAL_SERVICES


def user_of(name: str) -> str:
    """The system user of a service or program."""
    return f"segwatch-{name}"


@dataclass(frozen=True)
class Layout:
    """The folders; `root` is where they are made, and `/` in what is written into files."""

    root: Path = Path("/")

    def at(self, inside: str) -> Path:
        """Where a path of the server's lies for us, who may be outside of it."""
        return self.root / inside.lstrip("/")


PROGRAMS = "/opt/segwatch"
CURRENT = f"{PROGRAMS}/current"
PREVIOUS = f"{PROGRAMS}/previous"
"""Links to the version that runs, and to the one before it."""
PYTHON = f"{CURRENT}/venv/bin/python"
APP = f"{CURRENT}/app"
JARS = f"{CURRENT}/jars"
BIN = f"{CURRENT}/bin"
ETC = "/etc/segwatch"
TLS = f"{ETC}/tls"
SECRETS = f"{ETC}/secrets"
DOORS = f"{ETC}/doors"
CENTRE = f"{ETC}/centre"
CONTACTS = f"{ETC}/contacts.yaml"
DATA = "/var/lib/segwatch"
UNITS = "/etc/systemd/system"
SYSUSERS = "/usr/lib/sysusers.d/segwatch.conf"
COMMAND = "/usr/local/sbin/segwatch-as"
"""`segwatch` as one of the log's users."""
KAFKA_PORT, CONTROLLER_PORT, HOSPITALS_PORT = 9092, 9093, 9094
PROMETHEUS_PORT, ALERTMANAGER_PORT = 9090, 9095
HTTP_PORTS = {name: 8081 + number for number, name in enumerate((*HOSPITAL_SERVICES, *CENTRE_SERVICES))}
"""Of metrics and probes, on loopback."""
