"""Records that kafka-python 3.0.12 cannot read, or should not, though Kafka takes them from other clients.

- Where a header's name is no UTF-8 it would end each read, for ever, and nobody would see what lies behind
  it. The name is read as question marks.
- A batch that it cannot unpack would do the same, and one of a megabyte that unpacks to gigabytes would end
  the process at each start: at the centre one hospital could so shut out all. In the place of such a batch
  stands one record that says so.

Both then become dead letters, or are refused, like any other record that keeps to no schema.
"""

import io
import zlib
from typing import Any

import lz4.frame
import zstandard
from kafka.record.default_records import DefaultRecordBatch
from kafka.record.util import encode_varint

MOST_UNPACKED = 64 * 2**20
"""Of one batch, which is at most a megabyte as it lies in the log; JSON packs ten times, zeros thousands."""

_read = DefaultRecordBatch._read_msg  # there is no other place to get in between
_unpack = DefaultRecordBatch._maybe_uncompress


def read_odd_records() -> None:
    """Let this process read such records; doing so again changes nothing."""
    DefaultRecordBatch._read_msg = _reading
    DefaultRecordBatch._maybe_uncompress = _unpacking


def _reading(batch: Any) -> Any:  # noqa: ANN401 - kafka-python has no types
    while True:
        try:
            return _read(batch)
        except UnicodeDecodeError as error:
            _make_readable(batch, bytes(error.object))


def _make_readable(batch: Any, name: bytes) -> None:  # noqa: ANN401
    """Overwrite the header's name, which its length stands before; the checksum was looked at before."""
    known = _varint(len(name)) + name
    end = batch._buffer.index(known, batch._pos) + len(known)
    batch._buffer[end - len(name) : end] = b"?" * len(name)


def _unpacking(batch: Any) -> None:  # noqa: ANN401
    if batch._decompressed or batch.compression_type == batch.CODEC_NONE:
        _unpack(batch)
        return
    unpacked = _bounded(batch.compression_type, bytes(batch._buffer[batch._pos :]))
    if unpacked is None:
        why = b"a batch that cannot be unpacked, or to more than %d bytes" % MOST_UNPACKED
        unpacked, batch._num_records = _stand_in(batch.last_offset_delta, why), 1
    batch._buffer, batch._pos, batch._decompressed = bytearray(unpacked), 0, True


def _bounded(codec: int, data: bytes) -> bytes | None:
    """The unpacked bytes; None where they are too many, damaged, or packed in a way not known here."""
    most = MOST_UNPACKED + 1
    unpacked: bytes | None = None
    try:
        if codec == DefaultRecordBatch.CODEC_GZIP:
            unpacked = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data, most)
        elif codec == DefaultRecordBatch.CODEC_LZ4:
            unpacked = lz4.frame.LZ4FrameDecompressor().decompress(data, max_length=most)
        elif codec == DefaultRecordBatch.CODEC_ZSTD:
            unpacked = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read(most)
    except (zlib.error, zstandard.ZstdError, RuntimeError, EOFError):
        return None
    return unpacked if unpacked is not None and len(unpacked) < most else None


def _stand_in(offset_delta: int, value: bytes) -> bytes:
    """One record at the batch's last offset, without key and headers (Kafka's message format 2)."""
    attributes, time_delta, no_key, no_headers = b"\0", _varint(0), _varint(-1), _varint(0)
    body = attributes + time_delta + _varint(offset_delta) + no_key + _varint(len(value)) + value + no_headers
    return _varint(len(body)) + body


def _varint(number: int) -> bytes:
    written = bytearray()
    encode_varint(number, written.append)
    return bytes(written)
