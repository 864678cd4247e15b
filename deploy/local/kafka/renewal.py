"""Renewing the certificates of a running broker, as Strimzi's operator does, without a restart."""

from collections.abc import Iterable

from deploy.local.kafka.broker import Broker
from deploy.local.machine.ports import LOOPBACK
from deploy.local.machine.process import NotReady
from deploy.local.machine.waiting import comes_true
from segwatch.streaming.access import BROKER, PLATFORM
from segwatch.streaming.authority import Authority
from segwatch.streaming.kafka.broker_certificates import read_again, shows

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
    read_again(broker.log_address.settings, new)
    shown = new.certificate.read_text()
    visitor = authority.identity(PLATFORM)
    clients_and_controllers = broker.ports[:2]
    if not comes_true(
        lambda: all(shows(LOOPBACK, port, shown, visitor) for port in clients_and_controllers * IN_A_ROW),
        READ_SECONDS,
        0.1,
    ):
        raise NotReady(
            f"{broker.name} did not take its new certificate in {READ_SECONDS:.0f} s;"
            f" see {broker.folder / 'broker.log'}"
        )
