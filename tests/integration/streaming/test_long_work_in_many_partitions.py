"""Long work in one partition starves no other: what was fetched of them is handed out afterwards."""

import uuid
from typing import TYPE_CHECKING

import pytest
from kafka import TopicPartition

from segwatch.streaming.kafka.log import KafkaLog
from segwatch.streaming.log import Outgoing
from segwatch.streaming.settings import ConnectionSettings

if TYPE_CHECKING:
    from deploy.local.kafka.broker import Broker

pytestmark = pytest.mark.broker
PARTITIONS, EACH = 3, 6


def test_every_partition_goes_on_after_polls_that_were_paused(broker: "Broker") -> None:
    """Seen under faults: a partition stood still for good, although its member was alive and had no work."""
    topic = f"parked-{uuid.uuid4().hex}"
    with KafkaLog(ConnectionSettings(kafka_bootstrap=broker.bootstrap)) as log:
        log.create_topics({topic: PARTITIONS})
        with log.producer() as producer:
            producer.send([Outgoing(topic, str(key).encode(), b"{}") for key in range(PARTITIONS * EACH)])
        found = 0
        with log.consumer(group=topic, topics=[topic], member=None) as consumer:
            for _ in range(40 * PARTITIONS * EACH):
                for record in consumer.poll(0.2):
                    found += 1
                    if found < PARTITIONS:  # partitions paused one by one, as where some arrive in mid-pause
                        consumer._client.pause(TopicPartition(topic, record.at.partition))
                    elif found == PARTITIONS:
                        consumer.pause()
                        assert consumer.poll(0.05) == ()  # long work
                        consumer.resume()
                if found == PARTITIONS * EACH:
                    break
        assert found == PARTITIONS * EACH
