"""The log in Kafka, through kafka-python."""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaTimeoutError, TopicAlreadyExistsError

from segwatch.contracts.topics import COPIES, UNLIMITED, in_step, settings_of
from segwatch.errors import LogRefused, LogUnavailable
from segwatch.streaming.closing import Closes, bounded
from segwatch.streaming.kafka.consumer import KafkaConsumer
from segwatch.streaming.kafka.diagnosis import likely_cause, unreachable
from segwatch.streaming.kafka.errors import translated
from segwatch.streaming.kafka.options import RECONNECT_MOST_MS, connection, servers
from segwatch.streaming.kafka.producer import KafkaProducer
from segwatch.streaming.kafka.reader import KafkaReader
from segwatch.streaming.kafka.records import read_odd_records
from segwatch.streaming.kafka.share import KafkaShare
from segwatch.streaming.settings import ConnectionSettings

FOREVER_CONFIGS = {"cleanup.policy": "delete", "retention.ms": UNLIMITED, "retention.bytes": UNLIMITED}
RECONNECT_SECONDS = 1.5 * RECONNECT_MOST_MS / 1000
"""After a broker's restart the client may still be waiting before it connects again."""


class KafkaLog(Closes):
    """A connection to the brokers that the settings name.

    Raises:
        LogUnavailable: no broker takes us in; the message says why, as far as it can be seen from here.
        BadSettings: an address, certificate or secret cannot be used.
    """

    def __init__(self, settings: ConnectionSettings) -> None:
        super().__init__()
        read_odd_records()
        self._options = connection(settings)
        self._made = ExitStack()
        self._settings = settings
        self._admin: KafkaAdminClient | None = self._connect()

    def producer(self) -> KafkaProducer:
        return self._made.enter_context(KafkaProducer(self._options, self.topics))

    def consumer(self, *, group: str, topics: Sequence[str], member: str | None = None) -> KafkaConsumer:
        self.require_topics(topics)
        return self._made.enter_context(KafkaConsumer(self._options, group, topics, member))

    def reader(self, topics: Sequence[str], *, from_offset: int = 0) -> KafkaReader:
        return self._made.enter_context(KafkaReader(self._options, topics, from_offset))

    def share(self, group: str) -> KafkaShare:
        return self._made.enter_context(KafkaShare(self._options, group))

    def topics(self) -> frozenset[str]:
        return frozenset(self.identities())

    def identities(self) -> dict[str, str]:
        """By Kafka's own topic ids (KIP-516)."""
        return {each["name"]: str(each["topic_id"]) for each in self.described()}

    def create_topics(self, partitions: dict[str, int], *, forever: frozenset[str] = frozenset()) -> None:
        """Make what is missing, kept as the table of topics says, with as many copies as there are brokers
        for; `forever` lifts the time limit.
        """
        there = self.topics()
        admin = self._admin
        assert admin is not None  # it has just listed the topics
        with translated("looking for brokers"):
            copies = min(COPIES, max(1, len(admin.describe_cluster()["brokers"])))
        wanted = {
            topic: {
                "num_partitions": number,
                "replication_factor": copies,
                "configs": settings_of(topic)
                | in_step(copies)
                | (FOREVER_CONFIGS if topic in forever else {}),
            }
            for topic, number in partitions.items()
            if topic not in there
        }
        if not wanted:
            return
        with translated("making topics"):
            try:
                admin.create_topics(wanted, wait_for_metadata=True)
            except TopicAlreadyExistsError:  # somebody else made one in between: make the rest
                self.create_topics(partitions, forever=forever)

    def require_topics(self, topics: Sequence[str]) -> None:
        missing = sorted(set(topics) - self.topics())
        if missing:
            raise LogRefused(
                f"the log has no topic {', '.join(missing)}, or this principal may not see it: topics are"
                " made by the platform (KafkaTopic resources), or by `segwatch topics create`"
            )

    def unwell(self) -> dict[str, int]:
        """By the cluster's metadata, which any principal may ask for: no broker's own metrics are needed."""
        return unwell(self.described())

    def asked_by_name(self, topics: Sequence[str]) -> list[dict[str, Any]]:
        """The cluster's metadata of these topics: `error_code` tells one that is not there from one that this
        principal may not see, `authorized_operations` is what it may do (KIP-430).
        """
        admin = self._admin = self._admin or self._connect()
        with translated("asking for topics"):
            return list(admin.describe_topics(list(topics)))

    def configs(self, topics: Sequence[str]) -> dict[str, dict[str, str]]:
        """How topics are kept, by topic and setting; empty where this principal may not see the settings."""
        admin = self._admin = self._admin or self._connect()
        asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
        with translated("asking how topics are kept"):
            found = admin.describe_configs(asked, config_filter="all").get("topic", {})
        return {
            topic: {key: str(each["value"]) for key, each in said.items()} for topic, said in found.items()
        }

    def described(self) -> list[dict[str, Any]]:
        """The cluster's metadata of every topic that this principal can see. A client that got no answer may
        stay dead when the broker is back, so the next question has another.
        """
        until = time.monotonic() + RECONNECT_SECONDS
        while True:
            admin = self._admin = self._admin or self._connect()
            try:
                with translated("listing topics"):
                    return list(admin.describe_topics())
            except LogUnavailable:
                if time.monotonic() > until:
                    self._admin = None
                    bounded(admin.close, "the admin client that got no answer")
                    raise
                time.sleep(RECONNECT_SECONDS / 30)

    def _connect(self) -> KafkaAdminClient:
        settings = self._settings
        listed = servers(settings)
        reason = unreachable(listed)
        if reason is not None:
            raise LogUnavailable(f"no Kafka broker takes a connection: {reason} (SEGWATCH_KAFKA_BOOTSTRAP)")
        try:
            with translated("connecting"):
                return KafkaAdminClient(**self._options)
        except LogUnavailable as error:
            if not isinstance(error.__cause__, KafkaTimeoutError):
                raise
            cert, key = settings.kafka_cert_file, settings.kafka_key_file
            shown = (cert, key) if cert is not None and key is not None else None
            context = self._options.get("ssl_context")
            cause = likely_cause(listed, settings.kafka_security, context, shown)
            raise LogUnavailable(f"Kafka at {', '.join(listed)} does not let us in: {cause}") from None

    def _close(self) -> None:
        self._made.close()
        if self._admin is not None:
            self._admin.close()


def unwell(described: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many partitions of the described topics are offline, and how many have too few copies in step."""
    partitions = [each for topic in described for each in topic["partitions"]]
    return {
        "offline": sum(each["leader_id"] < 0 for each in partitions),
        "under_replicated": sum(len(each["isr_nodes"]) < len(each["replica_nodes"]) for each in partitions),
    }
