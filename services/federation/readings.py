"""Which topics are read, by which readers, and which of them were read to their end once."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from segwatch.streaming.closing import bounded
from segwatch.streaming.log import Log, Reader, Record

ASK_SECONDS = 1.0
"""How often it is asked, while records come, whether that was the last one: it costs more than a batch."""


@dataclass
class _Reading:
    """A reader of some topics.

    Attributes:
        topics: what it reads.
        whole: whether all that lay in them when it began was taken.
        ask_at: when to look for their end next.
    """

    reader: Reader
    topics: set[str]
    whole: bool = False
    ask_at: float = 0.0


@dataclass
class Readings:
    """Readers of whole topics; one for all that were begun together, whatever their number.

    Args:
        log: where the topics are.
        clock: seconds that only grow.

    Attributes:
        topics: the identity of each topic that is read.
    """

    log: Log
    clock: Callable[[], float]
    topics: dict[str, str] = field(default_factory=dict)
    _readings: list[_Reading] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether all that lay in the topics when they were begun was handed out."""
        return all(reading.whole for reading in self._readings)

    def begin(self, topics: Mapping[str, str]) -> None:
        """Read these from their beginning."""
        if topics:
            self._readings.append(_Reading(self.log.reader(sorted(topics)), set(topics)))
            self.topics.update(topics)

    def drop(self, topics: Collection[str]) -> None:
        """Read these no more."""
        for topic in topics:
            del self.topics[topic]
        for reading in self._readings:
            mine = reading.topics.intersection(topics)
            reading.topics -= mine
            if not reading.topics:
                bounded(reading.reader.close, "a reader of releases")
            elif mine:
                reading.reader.drop(mine)
        self._readings = [reading for reading in self._readings if reading.topics]

    def poll(self, timeout_seconds: float) -> Iterator[tuple[Sequence[Record], Collection[str]]]:
        """Each reader's next records, and its topics where it has come to their end now for the first time.

        Raises:
            LogUnavailable, LogRefused, TopicRemade.
        """
        for reading in list(self._readings):
            records = reading.reader.poll(timeout_seconds / len(self._readings))
            yield records, reading.topics if self._ends(reading, more=bool(records)) else ()

    def close(self) -> None:
        """Let the connections go, and forget what was read."""
        for reading in self._readings:
            bounded(reading.reader.close, "a reader of releases")
        self._readings, self.topics = [], {}

    def _ends(self, reading: _Reading, *, more: bool) -> bool:
        if reading.whole or (more and self.clock() < reading.ask_at):
            return False
        reading.ask_at = self.clock() + ASK_SECONDS
        reading.whole = reading.reader.at_end()
        return reading.whole
