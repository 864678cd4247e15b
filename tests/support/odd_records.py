"""Records that Kafka takes and kafka-python does not send: other clients can."""

from collections.abc import Sequence
from typing import Self

import kafka
from kafka.serializer import Serializer

from segwatch.streaming.log import Outgoing


class OddName(str):
    """A header's name that is these bytes, whatever they are."""

    __slots__ = ("_raw",)
    _raw: bytes

    def __new__(cls, raw: bytes) -> Self:
        made = super().__new__(cls, raw.decode(errors="replace"))
        made._raw = raw
        return made

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return self._raw


class _Keys(Serializer):
    """The client asks for a key where there is no value, before it asks what the key is as bytes."""

    NONE = b"none"

    def serialize(self, topic: str, headers: object, data: bytes) -> bytes | None:
        return None if data is self.NONE else data


def send_packed(bootstrap: str, topic: str, size: int) -> int:
    """Send one record of so many zero bytes, packed by gzip to a thousandth; its offset."""
    sender = kafka.KafkaProducer(
        bootstrap_servers=bootstrap, acks="all", compression_type="gzip", max_request_size=2**30
    )
    try:
        return int(sender.send(topic, key=b"k", value=bytes(size)).get(60).offset)
    finally:
        sender.close()


def send_odd(bootstrap: str, records: Sequence[Outgoing]) -> list[int]:
    """Send the records, be they without key and value; the offset of each."""
    sender = kafka.KafkaProducer(bootstrap_servers=bootstrap, acks="all", key_serializer=_Keys())
    try:
        return [
            sender.send(
                record.topic,
                key=_Keys.NONE if record.key is None else record.key,
                value=record.value,
                headers=list(record.headers),
            )
            .get(30)
            .offset
            for record in records
        ]
    finally:
        sender.close()
