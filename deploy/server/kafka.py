"""Kafka's and the bridge's files on a server, and the topics and rights that there must be."""

import json
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from deploy.local.kafka.bridge import connector_settings, worker_settings
from deploy.local.kafka.broker import ONE_NODE, THE_RECORD, cluster_id
from deploy.local.kafka.listeners import secured, with_hospitals_door
from deploy.local.kafka.log_address import LogAddress
from deploy.local.machine.jars import find_java
from deploy.local.machine.setting_lines import setting_lines
from deploy.server.layout import (
    CENTRE,
    CONTROLLER_PORT,
    DATA,
    ETC,
    HOSPITALS_PORT,
    JARS,
    KAFKA_PORT,
    TLS,
    Kind,
)
from segwatch.streaming.access import BROKER, PLATFORM, SITE_BYTES_A_SECOND
from segwatch.streaming.authority import Identity
from segwatch.streaming.platform import lay_out

PATIENCE_SECONDS = 300.0


def identity(name: str) -> Identity:
    """A principal's files, where they are read on the server."""
    return Identity.at(Path(TLS), name)


def address(name: str = PLATFORM) -> LogAddress:
    """The server's log, as one of its principals comes to it."""
    return LogAddress(f"127.0.0.1:{KAFKA_PORT}", identity=identity(name))


def properties(kind: Kind, edited: Mapping[str, str]) -> str:
    """Kafka's server.properties: one node on loopback, and at the centre a door for hospitals."""
    settings = {
        **ONE_NODE,
        **THE_RECORD,
        **secured(KAFKA_PORT, CONTROLLER_PORT, identity(BROKER), identity(PLATFORM)),
        "log.dirs": f"{DATA}/kafka",
    }
    if kind == "centre":
        settings = with_hospitals_door(settings, edited.get("NAME") or "127.0.0.1", HOSPITALS_PORT)
    return setting_lines(settings)


def bridge_files(edited: Mapping[str, str]) -> dict[str, str]:
    """The bridge's worker and its one connector, by file."""
    at_the_centre = Identity(
        "centre", *(Path(CENTRE) / each for each in ("ca.crt", "user.pem", "user.pem", "user.pem"))
    )
    theirs = LogAddress(edited["CENTRE_KAFKA"], identity=at_the_centre)
    worker = worker_settings(address("bridge"), Path(DATA) / "bridge" / "offsets")
    worker |= {"listeners": "http://127.0.0.1:8083"}
    connector = connector_settings(edited["SITE"], hospital=address("bridge"), centre=theirs)
    return {
        f"{ETC}/bridge/worker.properties": setting_lines(worker),
        f"{ETC}/bridge/connector.json": json.dumps(connector, indent=2) + "\n",
    }


def new_cluster() -> str:
    """The environment that names a new cluster; drawn once for a server."""
    return f"CLUSTER_ID={cluster_id(uuid.uuid4())}\n"


def make_topics(kind: Kind, sites: list[str]) -> None:
    """Wait for the log; make what topics are missing; give each principal its rights.

    Raises:
        LogUnavailable: it did not come up.
    """
    lay_out(address().settings, sites if kind == "centre" else None, patience=PATIENCE_SECONDS)
    for site in sites if kind == "centre" else ():
        _limit(site)


def _limit(site: str) -> None:
    """One hospital cannot fill every site's disk. Kafka's own tool sets it, since kafka-python cannot."""
    client = Path(ETC) / "kafka" / "platform.properties"
    words = ["--alter", "--add-config", f"producer_byte_rate={SITE_BYTES_A_SECOND}", "--entity-type", "users"]
    command = [find_java(), "-Xmx128m", "-cp", f"{JARS}/*", "kafka.admin.ConfigCommand"]
    where = ["--bootstrap-server", f"127.0.0.1:{KAFKA_PORT}", "--command-config", str(client)]
    subprocess.run([*command, *where, *words, "--entity-name", f"CN={site}"], check=True, capture_output=True)


def platform_client() -> str:
    """What Kafka's own tools are told, to come as `platform`."""
    shown = identity(PLATFORM)
    return setting_lines(
        {
            "security.protocol": "SSL",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(shown.store),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(shown.ca),
        }
    )
