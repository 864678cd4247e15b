"""The certificate of a broker that runs: what it shows, and having it read its files again."""

import socket
import ssl

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from segwatch.streaming.authority import Identity
from segwatch.streaming.kafka.errors import translated
from segwatch.streaming.kafka.options import connection
from segwatch.streaming.settings import ConnectionSettings

LISTENERS = ("ssl", "controller")
NODE = "1"
"""Of a log that is one node (`deploy.local.kafka.broker.ONE_NODE`)."""
SECONDS = 5.0


def stores(prefix: str, identity: Identity) -> dict[str, str]:
    """Java's settings for what a program shows and whom it trusts; the files hold no password."""
    return {
        f"{prefix}ssl.keystore.type": "PEM",
        f"{prefix}ssl.keystore.location": str(identity.store),
        f"{prefix}ssl.truststore.type": "PEM",
        f"{prefix}ssl.truststore.location": str(identity.ca),
    }


def read_again(settings: ConnectionSettings, there: Identity) -> None:
    """Kafka reads a store anew when its listener's setting is written, also with the same path.

    Args:
        settings: as one who may change the broker.
        there: the broker's own files, where it has them.

    Raises:
        LogUnavailable, LogRefused: it was not taken.
    """
    told: dict[str, str] = {}
    for listener in LISTENERS:
        told |= stores(f"listener.name.{listener}.", there)
    node = ConfigResource(ConfigResourceType.BROKER, NODE, configs=told)
    with translated("having the broker read its certificates again"):
        admin = KafkaAdminClient(**connection(settings))
        try:
            # kafka-python does not know a listener's settings by their full name.
            admin.alter_configs([node], raise_on_unknown=False)
        finally:
            admin.close()


def shows(host: str, port: int, certificate: str, visitor: Identity) -> bool:
    """Whether a listener shows this certificate (PEM); not so where nobody answers."""
    context = ssl.create_default_context(cafile=str(visitor.ca))
    context.load_cert_chain(visitor.certificate, visitor.key)
    try:
        with (
            socket.create_connection((host, port), timeout=SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            shown = secure.getpeercert(binary_form=True)
    except OSError:
        return False
    return shown == ssl.PEM_cert_to_DER_cert(certificate)
