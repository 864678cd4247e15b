"""What many hospitals have released until now: made by the release's own code."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import kafka
import numpy as np

from deploy.local.kafka.log_address import LogAddress
from deploy.local.machine.folders import POLICIES
from segwatch.aggregation.mechanism.demo_noise import SeededNoise
from segwatch.aggregation.mechanism.figures import coarse
from segwatch.aggregation.mechanism.policy import read_policy
from segwatch.aggregation.mechanism.release import heartbeat_of, release_of
from segwatch.contracts.ledger import BlockClosed, CountedStudy
from segwatch.contracts.release import Portrait, Pulse
from segwatch.contracts.topics import at_the_centre
from segwatch.streaming.log import Outgoing

A_DAY = 500
POLICY = read_policy(POLICIES / "default.yaml")
KINDS = 100
"""How many different histories there are at most; more sites have them in turn."""
NOISE = SeededNoise(0)
STUDIES = tuple(
    CountedStudy(study=f"{number:032x}", patient=f"{number:032x}", ordinal=1)
    for number in range(POLICY.portrait_studies)
)


def site_names(number: int) -> list[str]:
    """A hospital's second and third model are sites of their own: each has its topic."""
    return [f"hospital-{each // 3:03d}-{'abc'[each % 3]}" for each in range(number)]


def releases(kind: int, begins: datetime, ends: datetime) -> Iterator[Outgoing]:
    """One site's releases in that time, in their order, without a topic of the centre."""
    rng = np.random.default_rng(kind)
    share = 0.1 + 0.3 * rng.random()
    pause = timedelta(days=POLICY.pulse_studies / A_DAY)
    every = POLICY.portrait_studies // POLICY.pulse_studies
    slot, number, closes = int(begins.timestamp()) // POLICY.heartbeat_seconds + 1, 0, begins + pause
    while (beats := datetime.fromtimestamp(slot * POLICY.heartbeat_seconds, tz=UTC)) <= ends:
        while closes <= beats:
            yield release_of("site", _block(_pulse(number, closes, share, rng), closes))
            number += 1
            if number % every == 0:
                yield release_of("site", _block(_portrait(number // every - 1, closes, rng), closes))
            closes += pause
        yield heartbeat_of("site", 1, slot, POLICY)
        slot += 1


def _block(figures: Pulse | Portrait, closed: datetime) -> BlockClosed:
    return BlockClosed(kind="block", studies=STUDIES[: figures.k], closed_at=closed, figures=figures)


def _pulse(number: int, closed: datetime, share: float, rng: np.random.Generator) -> Pulse:
    k = POLICY.pulse_studies
    flagged = [int(rng.binomial(k, share))]
    noised = NOISE(f"{share} {number}", flagged, sensitivity=1, epsilon=POLICY.epsilon_count)
    return Pulse(
        kind="pulse", epoch=1, number=number, policy_version=POLICY.version, closed=coarse(closed, POLICY),
        k=k, epsilon=POLICY.epsilon_count, changes=0,
        needs_attention=noised[0],
    )  # fmt: skip


def _portrait(number: int, closed: datetime, rng: np.random.Generator) -> Portrait:
    counts = rng.multinomial(POLICY.portrait_studies, (0.01, 0.02, 0.05, 0.2, 0.62, 0.05, 0.05)).tolist()
    noised = NOISE(f"{counts} {number}", counts, sensitivity=2, epsilon=POLICY.epsilon_histogram)
    a, b, c, d, e, f, g = noised
    return Portrait(
        kind="portrait", epoch=1, number=number, policy_version=POLICY.version, closed=coarse(closed, POLICY),
        k=POLICY.portrait_studies, epsilon=POLICY.epsilon_histogram,
        epsilon_histogram=POLICY.epsilon_histogram,
        histogram=(a, b, c, d, e, f, g),
    )  # fmt: skip


class Hospitals:
    """Write what the sites release to the centre's Kafka, as fast as it takes it.

    Args:
        address: the centre's log.
        sites: their names.
        began: when each began to release.
    """

    def __init__(self, address: LogAddress, sites: Sequence[str], began: datetime) -> None:
        self._topics = [at_the_centre(site) for site in sites]
        self._number = min(KINDS, len(sites))
        self._kinds = [releases(kind, began, began + timedelta(days=10_000)) for kind in range(self._number)]
        self._next: list[Outgoing] = [next(kind) for kind in self._kinds]
        self._producer = kafka.KafkaProducer(
            bootstrap_servers=address.bootstrap,
            acks=1, linger_ms=50, batch_size=256 * 1024, metrics_enabled=False,
        )  # fmt: skip
        with ThreadPoolExecutor(100) as pool:  # one after the other, each topic waits for its own answer
            list(pool.map(self._producer.partitions_for, self._topics))

    def release_until(self, moment: datetime) -> int:
        """Send what is released up to the moment; how many records that were."""
        sent = 0
        for kind in range(self._number):
            batch = []
            while self._next[kind].timestamp_ms / 1000 <= moment.timestamp():  # type: ignore[operator]
                batch.append(self._next[kind])
                self._next[kind] = next(self._kinds[kind])
            for topic in self._topics[kind :: self._number]:
                for record in batch:
                    self._producer.send(
                        topic, record.value, record.key, list(record.headers),
                        timestamp_ms=record.timestamp_ms,
                    )  # fmt: skip
                sent += len(batch)
        self._producer.flush()
        return sent

    def close(self) -> None:
        """Let the connection go."""
        self._producer.close()
