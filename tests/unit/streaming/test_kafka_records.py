"""Records that kafka-python does not read by itself, or reads into all the memory that there is."""

import resource
from collections.abc import Sequence
from typing import Any

import pytest
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from segwatch.streaming.kafka.records import MOST_UNPACKED, read_odd_records
from tests.support.odd_records import OddName

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
Written = tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]


def batch_of(records: Sequence[Written], codec: int = NONE) -> bytes:
    batch = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=codec,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=2**31 - 1,
    )
    for offset, (key, value, headers) in enumerate(records):
        batch.append(offset, 1, key, value, headers)
    return bytes(batch.build())


def read(data: bytes) -> list[Any]:
    read_odd_records()
    return list(DefaultRecordBatch(data))


def contents(data: bytes) -> list[Written]:
    return [(each.key, each.value, each.headers) for each in read(data)]


def test_a_headers_name_that_is_no_utf_8_is_read_as_question_marks_and_nothing_else_is_changed():
    value = b"\xff\xfe stands in the value too"
    headers = [("good", b"1"), (OddName(b"\xff\xfe"), b"2"), (OddName(b"\x80"), None)]

    assert contents(batch_of([(b"k", value, headers), (None, b"next", [])])) == [
        (b"k", value, [("good", b"1"), ("??", b"2"), ("?", None)]),
        (None, b"next", []),
    ]


@pytest.mark.parametrize("codec", [GZIP, LZ4, ZSTD])
def test_packed_records_are_read_as_they_were_written(codec: int):
    records: list[Written] = [(b"k", b"v" * 100_000, [("h", b"1")]), (None, b"", []), (b"k", None, [])]

    assert contents(batch_of(records, codec)) == records


@pytest.mark.parametrize("codec", [GZIP, LZ4, ZSTD])
def test_a_batch_that_unpacks_to_too_much_is_one_record_that_says_so(codec: int):
    data = batch_of([(b"k", bytes(2 * MOST_UNPACKED), []), (b"k", b"v", [])], codec)
    assert len(data) < 2**20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    (found,) = read(data)

    assert (found.offset, found.key, found.headers) == (1, None, [])
    assert b"unpacked" in found.value
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 3 * MOST_UNPACKED / 1024


@pytest.mark.parametrize("codec", [GZIP, SNAPPY, LZ4, ZSTD])
def test_a_batch_that_cannot_be_unpacked_is_one_record_that_says_so(codec: int):
    data = bytearray(batch_of([(b"k", b"v", [])] * 3))
    data[22] |= codec  # the attributes' lower byte: what follows is not packed so

    (found,) = read(bytes(data))

    assert (found.offset, b"unpacked" in found.value) == (2, True)
