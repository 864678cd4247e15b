"""Trying doors on real brokers: who knocks, and what the authoriser wrote about it."""

import re
from collections.abc import Callable
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from deploy.local.kafka.broker import Broker
from deploy.local.kafka.log_address import LogAddress
from deploy.local.machine.waiting import comes_true
from segwatch.streaming.kafka.options import connection

DENIED = re.compile(
    r"Principal = (?P<principal>\S+) is Denied operation = (?P<operation>\S+) from host = \S+"
    r" on resource = (?P<resource>\S+)"
)
SHORT_MS = 8_000


def refusals(broker: Broker) -> set[tuple[str, str, str]]:
    """Principal, operation and resource of everything that the broker's authoriser refused so far."""
    text = (broker.folder / "broker.log").read_text(errors="replace")
    return {(m["principal"], m["operation"], m["resource"]) for m in DENIED.finditer(text)}


def refuses(broker: Broker, principal: str, operation: str, resource: str, seconds: float = 10) -> bool:
    """Whether the authoriser refuses this, now or soon."""
    wanted = (f"User:CN={principal}", operation, resource)
    return comes_true(lambda: wanted in refusals(broker), seconds)


def write(address: LogAddress, topic: str) -> None:
    """Send one record, past all checks of ours."""
    # Not idempotent: that wants a right to write anything at all, and would be refused first.
    client = KafkaProducer(
        enable_idempotence=False, max_block_ms=SHORT_MS, delivery_timeout_ms=SHORT_MS, **_options(address)
    )
    try:
        client.send(topic, b"forged").get(timeout=SHORT_MS / 1000)
    finally:
        client.close(timeout=2)


def read(address: LogAddress, topic: str) -> Any:
    """Read the first records of a topic, past all checks of ours."""
    client = KafkaConsumer(enable_auto_commit=False, auto_offset_reset="earliest", **_options(address))
    try:
        partition = TopicPartition(topic, 0)
        client.assign([partition])
        client.seek(partition, 0)
        return client.poll(timeout_ms=3000)
    finally:
        client.close(autocommit=False)


def join(address: LogAddress, group: str, topic: str) -> Any:
    """Read as a member of a group."""
    client = KafkaConsumer(topic, group_id=group, enable_auto_commit=False, **_options(address))
    try:
        return client.poll(timeout_ms=3000)
    finally:
        client.close(autocommit=False)


def admin(address: LogAddress, work: Callable[[KafkaAdminClient], Any]) -> Any:
    """Do something with an admin client."""
    client = KafkaAdminClient(**_options(address))
    try:
        return work(client)
    finally:
        client.close()


def _options(address: LogAddress) -> dict[str, Any]:
    return connection(address.settings) | {"request_timeout_ms": SHORT_MS}
