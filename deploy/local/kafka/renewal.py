"""Renewing the certificates of a running broker, as Strimzi's operator does, without a restart."""

import socket
import ssl
from collections.abc import Iterable

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from deploy.local.kafka.broker import Broker
from deploy.local.kafka.listeners import stores
from deploy.local.kafka.log_address import LogAddress
from deploy.local.machine.ports import LOOPBACK
from deploy.local.machine.process import NotReady
from deploy.local.machine.waiting import comes_true
from segwatch.streaming.access import BROKER, PLATFORM
from segwatch.streaming.authority import Authority, Identity
from segwatch.streaming.kafka.errors import translated
from segwatch.streaming.kafka.options import connection

NODE = "1"
LISTENERS = ("ssl", "controller")
READ_SECONDS = 60.0
"""The broker tries each new certificate on itself before it takes it: a few seconds."""
IN_A_ROW = 8
"""Each of its network threads takes the certificate by itself, and connections go to them in turn."""


def renew_certificates(broker: Broker, authority: Authority, principals: Iterable[str]) -> None:
    """New keys and certificates for the broker and its principals, of the same authority."""
    for principal in (PLATFORM, *principals):
        authority.issue(principal)
    _renew_broker(broker, authority)


def replace_authority(broker: Broker, authority: Authority, principals: Iterable[str]) -> None:
    """A new authority, and everybody's certificates by it, in the order that shuts nobody out.

    First everybody trusts the new one too; then everybody is given a certificate by it; only then is the
    last one forgotten. Whoever connects in between, with the old certificate or the new, comes in.
    """
    authority.announce_the_next()
    _renew_broker(broker, authority)
    authority.hand_over()
    renew_certificates(broker, authority, principals)
    authority.forget_the_last()
    _renew_broker(broker, authority)


def _renew_broker(broker: Broker, authority: Authority) -> None:
    new = authority.issue(BROKER)
    _read_again(broker.log_address, new)
    visitor = authority.identity(PLATFORM)
    clients_and_controllers = broker.ports[:2]
    if not comes_true(
        lambda: all(_shows(port, new, visitor) for port in clients_and_controllers * IN_A_ROW),
        READ_SECONDS,
        0.1,
    ):
        raise NotReady(
            f"{broker.name} did not take its new certificate in {READ_SECONDS:.0f} s;"
            f" see {broker.folder / 'broker.log'}"
        )


def _read_again(broker: LogAddress, new: Identity) -> None:
    """Kafka reads a store anew when its listener's setting is written, also with the same path."""
    settings: dict[str, str] = {}
    for listener in LISTENERS:
        settings |= stores(f"listener.name.{listener}.", new)
    node = ConfigResource(ConfigResourceType.BROKER, NODE, configs=settings)
    with translated("having the broker read its certificates again"):
        admin = KafkaAdminClient(**connection(broker.settings))
        try:
            # kafka-python does not know a listener's settings by their full name.
            admin.alter_configs([node], raise_on_unknown=False)
        finally:
            admin.close()


def _shows(port: int, new: Identity, visitor: Identity) -> bool:
    """Whether the certificate that lies in the broker's file is the one that it shows."""
    context = ssl.create_default_context(cafile=str(new.ca))
    context.load_cert_chain(visitor.certificate, visitor.key)
    try:
        with (
            socket.create_connection((LOOPBACK, port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=LOOPBACK) as secure,
        ):
            shown = secure.getpeercert(binary_form=True)
    except OSError:
        return False
    return shown == ssl.PEM_cert_to_DER_cert(new.certificate.read_text())
