"""Records that kafka-python 3.0.12 cannot read, though Kafka takes them: a header's name is no UTF-8.

It would end each read at such a record, for ever, and nobody would see what lies behind it. Here the name is
read as question marks, so that the record becomes a dead letter like any other that keeps to no schema.
"""

from typing import Any

from kafka.record.default_records import DefaultRecordBatch
from kafka.record.util import encode_varint

_read = DefaultRecordBatch._read_msg  # there is no other place to get in between


def read_odd_names() -> None:
    """Let this process read such records; doing so again changes nothing."""
    DefaultRecordBatch._read_msg = _reading


def _reading(batch: Any) -> Any:  # noqa: ANN401 - kafka-python has no types
    while True:
        try:
            return _read(batch)
        except UnicodeDecodeError as error:
            _make_readable(batch, bytes(error.object))


def _make_readable(batch: Any, name: bytes) -> None:  # noqa: ANN401
    """Overwrite the header's name, which its length stands before; the checksum was looked at before."""
    size = bytearray()
    encode_varint(len(name), size.append)
    at = batch._buffer.index(size + name, batch._pos) + len(size)
    batch._buffer[at : at + len(name)] = b"?" * len(name)
