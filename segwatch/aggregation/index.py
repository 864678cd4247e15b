"""What must be remembered of every study and patient ever counted, on the disk: memory does not grow with it.

A cache and nothing more: a temporary SQLite file without a name, made anew from the log at every start, gone
with the process. 16 bytes a study and some 20 a patient, in B-trees; a few MB of them are kept in memory.
"""

import sqlite3
from collections.abc import Iterable, Sequence

CACHE_KIB = 16 * 1024
"""Of the pages. Beyond it they go to the temporary folder, where the operating system caches as it can."""
MOST_ASKED = 500
"""Parameters of one question; SQLite takes 32,766."""


class Index:
    """Studies that are done with, and how many counted studies each patient has. For one thread."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        for statement in (
            f"PRAGMA cache_size = -{CACHE_KIB}",
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            "CREATE TABLE done (study BLOB PRIMARY KEY) WITHOUT ROWID",
            "CREATE TABLE patients (patient BLOB PRIMARY KEY, counted INTEGER NOT NULL) WITHOUT ROWID",
            "BEGIN",  # never committed: nothing is to outlive the process
        ):
            self._database.execute(statement)

    def done(self, studies: Iterable[bytes]) -> None:
        """These need no more attention, whatever comes of them."""
        self._database.executemany("INSERT OR IGNORE INTO done VALUES (?)", ((study,) for study in studies))

    def are_done(self, studies: Sequence[bytes]) -> set[bytes]:
        """Those of the studies that are done with."""
        found: set[bytes] = set()
        for start in range(0, len(studies), MOST_ASKED):
            asked = studies[start : start + MOST_ASKED]
            marks = ",".join("?" * len(asked))
            rows = self._database.execute(f"SELECT study FROM done WHERE study IN ({marks})", asked)  # noqa: S608
            found.update(study for (study,) in rows)
        return found

    def is_done(self, study: bytes) -> bool:
        """Whether this one is."""
        return self._database.execute("SELECT 1 FROM done WHERE study = ?", (study,)).fetchone() is not None

    def counted_at_least(self, ordinals: Iterable[tuple[bytes, int]]) -> None:
        """Patients, and the ordinal of a study of theirs that is in a block."""
        self._database.executemany(
            "INSERT INTO patients VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET counted = max(counted, excluded.counted)",
            ordinals,
        )

    def next_ordinal(self, patient: bytes) -> int:
        """Count another study of the patient; the how manieth it is."""
        (ordinal,) = self._database.execute(
            "INSERT INTO patients VALUES (?, 1)"
            " ON CONFLICT DO UPDATE SET counted = counted + 1 RETURNING counted",
            (patient,),
        ).fetchone()
        return int(ordinal)

    def close(self) -> None:
        """Let the file go."""
        self._database.close()
