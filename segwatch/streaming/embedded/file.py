"""The SQLite file of the embedded log: its tables, and connections to it.

WAL lets readers go on while one process writes; `synchronous=FULL` makes an acknowledged record survive a
power cut, as a Kafka broker with replicas would.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segwatch.errors import LogRefused, LogUnavailable

BUSY_SECONDS = 10.0
"""How long a writer waits for another's write: each takes milliseconds, on a slow disk perhaps seconds."""
POLL_SECONDS = 0.003
"""How often a waiting reader looks whether the file changed: a look costs microseconds, a hop stays short."""

_TABLES = """
CREATE TABLE IF NOT EXISTS topics (name TEXT PRIMARY KEY, next INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    topic TEXT NOT NULL REFERENCES topics (name),
    offset INTEGER NOT NULL,
    key BLOB,
    value BLOB,
    headers TEXT NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    PRIMARY KEY (topic, offset)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS places (
    grp TEXT NOT NULL,
    topic TEXT NOT NULL,
    next INTEGER NOT NULL DEFAULT 0,
    begun INTEGER NOT NULL DEFAULT 0,
    holder TEXT,
    member TEXT,
    until REAL NOT NULL DEFAULT 0,
    PRIMARY KEY (grp, topic)
) WITHOUT ROWID;
"""


class LogFile:
    """One connection to the file. May be used by several threads, one at a time.

    Raises:
        LogUnavailable: the file cannot be opened, or is no SQLite file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        try:
            self._connection = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.executescript(_TABLES)
        except sqlite3.Error as error:
            raise self._unavailable(error) from None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the file's write lock from its beginning, or nothing at all."""
        with self._lock, self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._translated():
            yield self._connection

    def version(self) -> int:
        """A number that changes whenever another connection has written."""
        with self.reading() as connection:
            return int(connection.execute("PRAGMA data_version").fetchone()[0])

    def topics(self) -> frozenset[str]:
        with self.reading() as connection:
            return frozenset(name for (name,) in connection.execute("SELECT name FROM topics"))

    def end_offsets(self, topics: list[str]) -> dict[str, int]:
        """The offset behind the last record of each topic.

        Raises:
            LogRefused: a topic does not exist.
        """
        with self.reading() as connection:
            known = {str(name): int(end) for name, end in connection.execute("SELECT name, next FROM topics")}
        missing = [topic for topic in topics if topic not in known]
        if missing:
            raise LogRefused(
                f"{self._path} has no topic {', '.join(missing)}: `segwatch topics create` makes it"
            )
        return {topic: known[topic] for topic in topics}

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._unavailable(error) from None

    def _unavailable(self, error: sqlite3.Error) -> LogUnavailable:
        return LogUnavailable(
            f"the log's file {self._path} cannot be used: {error};"
            " see that its folder exists, can be written, and has room"
        )
