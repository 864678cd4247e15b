"""What the harness sees of the running site, by threads of its own: a broker that is away blocks no fault."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field

from kafka import KafkaAdminClient

from deploy.local.machine.loopback_http import is_ok
from segwatch.contracts.topics import (
    MEASURED,
    RECEIVED,
    SCORED,
    SEGMENTED,
    WITH_DEAD_LETTERS,
    at_the_centre,
    dead_letters,
)
from segwatch.errors import SegwatchError
from segwatch.streaming.log import Outgoing, Position, Record
from segwatch.streaming.stage import group_of
from tests.faults.site import EVERY, SITE, STAGES, FaultSite

LOOK_SECONDS = 0.5
INSIDE = (RECEIVED, SEGMENTED, MEASURED, SCORED, *map(dead_letters, WITH_DEAD_LETTERS))
READS = {"segmentation": RECEIVED, "features": SEGMENTED, "scoring": MEASURED}


@dataclass(frozen=True)
class Seen:
    """What was seen at one moment.

    Attributes:
        at: monotonic seconds.
        ready: services that say that they can do their work now.
        bridged: whether the bridge's task runs.
        lag: records that a stage has not committed yet; absent where nothing could be learnt.
        committed: sum of the offsets that a stage has committed.
    """

    at: float
    ready: frozenset[str] = frozenset()
    bridged: bool = False
    lag: dict[str, int] = field(default_factory=dict)
    committed: dict[str, int] = field(default_factory=dict)


class Watcher:
    """Reads the site's topics along, asks every service how it is, and puts records in for faults.

    Attributes:
        seen: the last look.
        records: what the site's study topics and dead-letter topics hold so far, by topic.
        scored, dead: keys of the records of the scored topic and of dead letters.
        blocks: keys of the blocks at the centre.
    """

    def __init__(self, site: FaultSite) -> None:
        self.seen = Seen(time.monotonic())
        self.records: dict[str, list[Record]] = {topic: [] for topic in INSIDE}
        self.scored: set[str] = set()
        self.dead: set[str] = set()
        self.blocks: set[str] = set()
        self._site = site
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._again_and_again, args=(what,), daemon=True)
            for what in (self._read_inside, self._read_centre, self._look)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask the threads to stop reading; connections end with them."""
        self._stop.set()

    def close(self) -> None:
        """Stop reading, and wait for it."""
        self.stop()
        for thread in self._threads:
            thread.join(15)

    def put(self, records: Sequence[Outgoing]) -> "Future[list[Position]]":
        """Write records to the hospital's log, however long it takes; where they lie."""
        future: Future[list[Position]] = Future()
        threading.Thread(target=self._put, args=(records, future), daemon=True).start()
        return future

    def _put(self, records: Sequence[Outgoing], future: "Future[list[Position]]") -> None:
        while not self._stop.is_set():
            with suppress(SegwatchError), self._site.open_log() as log, log.producer() as producer:
                future.set_result(producer.send(records))
                return
            self._stop.wait(LOOK_SECONDS)
        future.cancel()

    def _again_and_again(self, what: Callable[[], None]) -> None:
        """Each reader ends with a fault of the log and begins where it was."""
        while not self._stop.wait(LOOK_SECONDS):
            with suppress(SegwatchError, OSError):
                what()

    def _read_inside(self) -> None:
        """From the first record on after every fault: what is known already is passed over by its place."""
        next_at: dict[tuple[str, int], int] = {}
        for records in self.records.values():
            for record in records:
                next_at[record.at.topic, record.at.partition] = record.at.offset + 1
        with self._site.open_log() as log, log.reader(INSIDE) as reader:
            while not self._stop.is_set():
                for record in reader.poll(LOOK_SECONDS):
                    at = record.at
                    if at.offset >= next_at.get((at.topic, at.partition), 0):
                        self._note(record)

    def _note(self, record: Record) -> None:
        topic, key = record.at.topic, (record.key or b"").decode(errors="replace")
        self.records[topic].append(record)
        if topic == SCORED:
            self.scored.add(key)
        elif topic.endswith(".dlq"):
            self.dead.add(key)

    def _read_centre(self) -> None:
        with self._site.open_log(centre=True) as log, log.reader([at_the_centre(SITE)]) as reader:
            while not self._stop.is_set():
                for record in reader.poll(LOOK_SECONDS):
                    key = (record.key or b"").decode()
                    if not key.startswith("heartbeat"):
                        self.blocks.add(key)

    def _look(self) -> None:
        at = time.monotonic()
        ready = frozenset(name for name in EVERY if is_ok(self._site.processes[name].port, "/readyz"))
        bridged = self._site.bridge.task_states() == ["RUNNING"]
        lag: dict[str, int] = {}
        committed: dict[str, int] = {}
        with suppress(Exception):  # whatever the client says of a broker that is away: nothing was learnt
            lag, committed = self._offsets()
        self.seen = Seen(at, ready, bridged, lag, committed)

    def _offsets(self) -> tuple[dict[str, int], dict[str, int]]:
        admin = KafkaAdminClient(
            bootstrap_servers=self._site.hospital.bootstrap,
            bootstrap_timeout_ms=2000,
            request_timeout_ms=3000,
        )
        try:
            groups = admin.list_group_offsets([group_of(stage) for stage in STAGES])
        finally:
            admin.close()
        committed, lag = {}, {}
        for stage in STAGES:
            there = len(self.records[READS[stage]])
            committed[stage] = sum(max(0, each.offset) for each in groups[group_of(stage)].values())
            lag[stage] = there - committed[stage]
        return lag, committed
