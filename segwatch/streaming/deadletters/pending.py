"""How many dead letters of a stage wait for somebody: a figure of state, read from the log itself.

A counter of what was put aside since the process began says nothing after a restart, and tells a new
Prometheus old letters as news. This stands until each letter was replayed or acknowledged.
"""

import logging
import time
from collections import Counter
from collections.abc import Sequence

from segwatch.contracts.topics import dead_letters
from segwatch.errors import LogRefused, TopicRemade, Transient
from segwatch.streaming.deadletters.reading import letter_of, settled_by
from segwatch.streaming.log import Log, Record
from segwatch.streaming.telemetry import Telemetry
from segwatch.streaming.topic_reader import TopicReader

LOOK_SECONDS = 15.0
POLL_SECONDS = 0.05
_log = logging.getLogger(__name__)


class PendingLetters:
    """Keeps `segwatch_dead_letters_pending` up to date for one stage.

    Args:
        stage: whose letters are counted.
        log: where they lie.
        topics: that the stage reads, each with its dead-letter topic beside it.
        telemetry: shows the figure.
    """

    def __init__(self, stage: str, log: Log, topics: Sequence[str], telemetry: Telemetry) -> None:
        self._stage = stage
        self._telemetry = telemetry
        self._log = log
        self._topics = [dead_letters(topic) for topic in topics]
        self._next_at = time.monotonic()
        self._begin()

    def refresh(self) -> None:
        """Read what has come, where the last look is old. A log that is away leaves the figure as it was."""
        if time.monotonic() < self._next_at:
            return
        self._next_at = time.monotonic() + LOOK_SECONDS
        try:
            for reader in self._readers:
                while records := reader.poll(POLL_SECONDS):
                    for record in records:
                        self._take(record)
        except TopicRemade:
            self._begin()
        except (Transient, LogRefused) as error:
            _log.warning("dead letters cannot be counted: %s", error)
        self._show()

    def close(self) -> None:
        """Let the connections go."""
        for reader in self._readers:
            reader.close()

    def _begin(self) -> None:
        self._readers = [TopicReader(self._log, topic) for topic in self._topics]
        self._errors: dict[str, str] = {}
        self._settled: set[str] = set()

    def _take(self, record: Record) -> None:
        settled = settled_by(record)
        letter = letter_of(record)
        if settled is not None:
            self._settled.add(settled)
        elif letter is not None and letter.stage == self._stage:
            self._errors.setdefault(letter.id, letter.error)

    def _show(self) -> None:
        """Every kind that ever was keeps its figure, which then is 0: a series that vanishes is no news."""
        waiting = Counter(error for id_, error in self._errors.items() if id_ not in self._settled)
        for error in set(self._errors.values()):
            self._telemetry.pending_letters.labels(self._stage, error).set(waiting[error])
