"""Records that kafka-python does not read by itself."""

from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from services.streaming.kafka_records import read_odd_names
from tests.support.odd_records import OddName


def test_a_headers_name_that_is_no_utf_8_is_read_as_question_marks_and_nothing_else_is_changed():
    batch = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1,
        batch_size=10_000,
    )  # fmt: skip
    value = b"\xff\xfe stands in the value too"
    batch.append(0, 1, b"k", value, [("good", b"1"), (OddName(b"\xff\xfe"), b"2"), (OddName(b"\x80"), None)])
    batch.append(1, 1, None, b"next", [])
    read_odd_names()
    read_odd_names()

    found = [(each.key, each.value, each.headers) for each in DefaultRecordBatch(bytes(batch.build()))]

    assert found == [
        (b"k", value, [("good", b"1"), ("??", b"2"), ("?", None)]),
        (None, b"next", []),
    ]
