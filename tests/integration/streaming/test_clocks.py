"""Services whose clocks are wrong by days: their records are taken, and kept as long as all others."""

import time
import uuid
from typing import TYPE_CHECKING

import pytest

from segwatch.contracts.topics import RELEASE, SCORED
from segwatch.streaming.kafka.log import KafkaLog
from segwatch.streaming.log import Outgoing
from segwatch.streaming.settings import ConnectionSettings
from tests.support.streaming import read_all

if TYPE_CHECKING:
    from deploy.local.kafka.broker import Broker

pytestmark = pytest.mark.broker
DAY_MS = 86_400_000


@pytest.mark.parametrize("days", [-400, 3])
def test_a_clock_that_is_wrong_by_days_stops_nothing_and_dates_nothing(broker: "Broker", days: int) -> None:
    """Kafka 4 refuses what is dated more than an hour ahead; retention deletes what is dated long ago."""
    key, now = uuid.uuid4().hex.encode(), int(time.time() * 1000)
    wrong = now + days * DAY_MS
    with KafkaLog(ConnectionSettings(kafka_bootstrap=broker.bootstrap)) as log:
        # Topics of the test's own: others read the real ones on this broker, and these are no messages.
        study, release = f"{key.decode()}.{SCORED}", f"{key.decode()}.{RELEASE}"
        log.create_topics({study: 1, release: 1}, forever=frozenset({release}))
        with log.producer() as producer:
            producer.send([Outgoing(topic, key, b"{}", (), wrong) for topic in (study, release)])
        inside, leaves = (read_all(log, topic)[0] for topic in (study, release))
    assert abs(inside.timestamp_ms - now) < DAY_MS // 24
    assert leaves.timestamp_ms == wrong, "what leaves keeps its own time, which is coarse on purpose"
