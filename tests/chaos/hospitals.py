"""Hospitals as the centre knows them: heartbeats and pulses, which wait while its Kafka is away."""

import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import replace
from typing import Self

from deploy.local.kafka.log_address import LogAddress
from segwatch.aggregation.mechanism.release import heartbeat_of
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.topics import at_the_centre
from segwatch.errors import SegwatchError
from segwatch.streaming.log import Outgoing
from tests.support.releases import at_centre, pulse

LOOK_SECONDS = 0.2
USUAL, WORSE = 3, 9
"""Of 20 studies that need attention."""


class Hospitals:
    """Beat for every site that is alive, from a thread; a context that ends it.

    Args:
        address: the centre's log.
        sites: their names; all are alive at first.
        interval_seconds: between two heartbeats.
    """

    def __init__(self, address: LogAddress, sites: tuple[str, ...], interval_seconds: int) -> None:
        self.alive = set(sites)
        self._address = address
        self._policy = SitePolicy(version="chaos", heartbeat_seconds=interval_seconds)
        self._slots: dict[str, int] = {}
        self._pulses = dict.fromkeys(sites, 0)
        self._waiting: deque[Outgoing] = deque()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hospitals", daemon=True)

    def release(self, site: str, pulses: int, needs_attention: int) -> None:
        """The site's next pulses."""
        with self._lock:
            for _ in range(pulses):
                self._waiting.append(at_centre(site, pulse(self._pulses[site], needs_attention)))
                self._pulses[site] += 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def _run(self) -> None:
        while not self._stop.is_set():
            with suppress(SegwatchError), self._address.open() as log, log.producer() as producer:
                while not self._stop.wait(LOOK_SECONDS):
                    self._beat()
                    self._carry(producer)
            self._stop.wait(LOOK_SECONDS)

    def _beat(self) -> None:
        slot = int(time.time() // self._policy.heartbeat_seconds)
        for site in sorted(self.alive):
            if self._slots.get(site) != slot:
                self._slots[site] = slot
                record = heartbeat_of(site, 1, slot, self._policy)
                with self._lock:
                    self._waiting.append(replace(record, topic=at_the_centre(site)))

    def _carry(self, producer: object) -> None:
        """Send what waits; what could not be sent waits on, and comes twice at worst."""
        with self._lock:
            waiting = list(self._waiting)
        if waiting:
            producer.send(waiting)  # type: ignore[attr-defined]
            with self._lock:
                for _ in waiting:
                    self._waiting.popleft()
