"""Sending to Kafka: a send is over when every record is acknowledged by all in-sync replicas."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from kafka import KafkaProducer as Client
from kafka.errors import KafkaError, KafkaTimeoutError

from segwatch.streaming.closing import CLOSE_SECONDS, Closes, bounded
from segwatch.streaming.kafka.errors import TOO_LARGE, no_topics, translated
from segwatch.streaming.kafka.options import ACKNOWLEDGE_SECONDS, BLOCK_MS, DELIVERY_MS
from segwatch.streaming.log import Outgoing, Position


class KafkaProducer(Closes):
    """Sends and waits. No transactions: see `docs/delivery.md`.

    Args:
        options: of the connection.
        topics: those that can be seen now; asked once for each topic that is new to this producer, since
            the client itself would wait BLOCK_MS for a topic that does not exist.
    """

    def __init__(self, options: dict[str, Any], topics: Callable[[], frozenset[str]]) -> None:
        super().__init__()
        self._topics = topics
        self._known: set[str] = set()
        self._options = options
        self._lock = threading.Lock()
        self._client: Client | None = self._start()

    def send(self, records: Sequence[Outgoing]) -> list[Position]:
        self._know({record.topic for record in records})
        with translated("sending"), self._renewed_where_broken() as client:
            until = time.monotonic() + ACKNOWLEDGE_SECONDS
            waiting = [
                client.send(
                    record.topic,
                    key=record.key,
                    value=record.value,
                    headers=list(record.headers),
                    timestamp_ms=record.timestamp_ms,
                )
                for record in records
            ]
            acknowledged = [future.get(timeout=max(0.0, until - time.monotonic())) for future in waiting]
        return [Position(each.topic, each.partition, each.offset) for each in acknowledged]

    def _start(self) -> Client:
        with translated("starting to send"):
            return Client(
                acks="all",
                linger_ms=0,
                metrics_enabled=False,
                delivery_timeout_ms=DELIVERY_MS,
                max_block_ms=BLOCK_MS,
                allow_auto_create_topics=False,
                **self._options,
            )

    @contextmanager
    def _renewed_where_broken(self) -> Iterator[Client]:
        """The client; after a failure that is not the record's fault the next send has a new one.

        One that met what no retry mends may be in a state that it does not leave (its idempotence has fatal
        ones), and one that timed out may never send again: seen with 3.0.12 after a broker had been frozen
        for 70 s and woken. So neither is given another chance.
        """
        with self._lock:
            client = self._client = self._client or self._start()
        try:
            yield client
        except TOO_LARGE:
            raise
        except KafkaError:
            self._drop(client)
            raise

    def _drop(self, client: Client) -> None:
        """Of several threads that shared it, the first lets it go."""
        with self._lock:
            if self._client is not client:
                return
            self._client, self._known = None, set()  # a topic may be gone: the next send asks again
        bounded(partial(_let_go, client), "the broken producer")

    def _know(self, topics: set[str]) -> None:
        if topics <= self._known:
            return
        missing = topics - self._topics()
        if missing:
            raise no_topics(sorted(missing))
        self._known |= topics

    def _close(self) -> None:
        if self._client is None:
            return
        try:
            _let_go(self._client)
        except KafkaTimeoutError as error:
            raise TimeoutError(f"unsent records are left behind: {error}") from None


def _let_go(client: Client) -> None:
    """Close it; one that cannot send what it has is ended by force.

    Its own close gives up before it has ended its thread, and tries, and fails, once more when it is
    collected (3.0.12).

    Raises:
        KafkaTimeoutError: records were not sent.
    """
    try:
        client.close(timeout=CLOSE_SECONDS / 2)
    except KafkaTimeoutError:
        client._sender.force_close()
        client._closed = True
        raise
