"""Examinations that ended in a dead letter, so that they have no score and are in no block.

Without them a site would look the better the more of its scans are refused. They are read from the log, as
everything is: ingest's letters, and those of every stage behind it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from segwatch.contracts.topics import DEAD_LETTERS
from segwatch.errors import TopicRemade, Transient
from segwatch.streaming.closing import bounded
from segwatch.streaming.deadletters.reading import letter_of
from segwatch.streaming.log import Log, Reader
from segwatch.streaming.topic_reader import POLL_SECONDS

AHEAD = timedelta(hours=1)
"""How far the broker's clock may be before ours."""


class Unscored:
    """When each letter came to lie in the log, by the broker's clock. A letter's second copy is no other."""

    def __init__(self, log: Log, alive: Callable[[], None] = lambda: None) -> None:
        self._log = log
        self._alive = alive
        self._reader: Reader | None = None
        self._came: dict[str, int] = {}

    def since(self, moment: int | None, now: datetime) -> tuple[int | None, int]:
        """How many came after a moment, and the moment up to which that holds: the next call's.

        A letter that comes to lie behind that moment though another had shown a later one is in no number:
        what is told is never told twice. So once a broker's clock was wrong by days, none is known until the
        moment that it named is past.

        Args:
            moment: in milliseconds since 1970; None where it is not known, and then the number is not.
            now: the time by our clock.

        Raises:
            LogUnavailable, LogRefused: call again later.
        """
        self._read_to_end()
        to = max([moment or 0, *self._came.values()])
        if moment is None or moment > (now + AHEAD).timestamp() * 1000:
            return None, to
        return sum(came > moment for came in self._came.values()), to

    def close(self) -> None:
        """Let the connection go; the next look reads from the beginning."""
        if self._reader is not None:
            bounded(self._reader.close, "the reader of dead letters")
        self._reader = None

    def _read_to_end(self) -> None:
        try:
            if self._reader is None:
                self._came = {}
                self._reader = self._log.reader(DEAD_LETTERS)
            while not self._reader.at_end():
                self._alive()
                for record in self._reader.poll(POLL_SECONDS):
                    letter = letter_of(record)
                    if letter is not None:
                        self._came.setdefault(letter.id, record.timestamp_ms)
        except (Transient, TopicRemade):
            self.close()
            raise
