"""A Kafka client that timed out is made anew: without a broker, by a client that never answers."""

from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from segwatch.errors import LogUnavailable, Unprocessable
from segwatch.streaming.kafka import producer as module
from segwatch.streaming.kafka.producer import KafkaProducer
from segwatch.streaming.log import Outgoing


class FakeFuture:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def get(self, timeout: float) -> Any:
        del timeout
        raise self._error


class FakeClient:
    made = 0
    closed = 0
    error: Exception = KafkaTimeoutError("expired")

    def __init__(self, **_: Any) -> None:
        FakeClient.made += 1

    def send(self, *_: Any, **__: Any) -> FakeFuture:
        return FakeFuture(self.error)

    def close(self, timeout: float) -> None:
        del timeout
        FakeClient.closed += 1


@pytest.fixture
def producer(monkeypatch: pytest.MonkeyPatch) -> KafkaProducer:
    monkeypatch.setattr(module, "Client", FakeClient)
    monkeypatch.setattr(FakeClient, "made", 0)
    monkeypatch.setattr(FakeClient, "closed", 0)
    return KafkaProducer({}, lambda: frozenset({"t"}))


def test_after_a_time_out_the_next_send_has_a_new_client(producer: KafkaProducer) -> None:
    for sends in (1, 2):
        with pytest.raises(LogUnavailable):
            producer.send([Outgoing("t", b"k", b"v")])
        assert (FakeClient.made, FakeClient.closed) == (sends, sends)
    producer.close()


def test_a_record_that_is_too_large_is_no_fault_of_the_client(
    producer: KafkaProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeClient, "error", MessageSizeTooLargeError("large"))
    with pytest.raises(Unprocessable):
        producer.send([Outgoing("t", b"k", b"v")])
    assert (FakeClient.made, FakeClient.closed) == (1, 0)
