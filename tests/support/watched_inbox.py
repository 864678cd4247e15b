"""Ingest's loop over an inbox, on the embedded log, in a thread; and what it leaves behind."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from segwatch.contracts.envelope import Event, decode
from segwatch.contracts.studies import StudyReceived
from segwatch.contracts.topics import RECEIVED, dead_letters
from segwatch.intake.rules import default_rules
from segwatch.streaming.log import Producer, Record
from segwatch.streaming.runtime import Runtime
from segwatch.streaming.worker import Worker
from services.ingest.completion import Completion, QuietTimes
from services.ingest.examination import Examinations
from services.ingest.handler import Ingest
from services.ingest.inbox import Inbox
from services.ingest.intake import Intake
from services.ingest.patience import Patience
from services.ingest.retention import Retention, defaults
from services.ingest.settings import IngestSettings
from services.ingest.spool import Room
from services.ingest.studies import AnnouncedStudies
from services.ingest.watch import InboxTimes, InboxWatcher
from tests.support.streaming import eventually, read_all

QUICK = InboxTimes(look=0.02, feed=0.02, grace=0.2, first_delay=0.02, longest_delay=0.05)


@contextmanager
def watching(
    runtime: Runtime[IngestSettings],
    inbox: Inbox,
    ingest: Ingest,
    producer: Producer | None = None,
    quiet_seconds: float = 0.05,
    patience: Patience | None = None,
    announced_hours: float = 24,
) -> Iterator[InboxWatcher]:
    """The loop, until the block ends."""
    examinations = Examinations(inbox.root, ingest.store, ingest.secret, {None: default_rules()})
    with producer or runtime.log.producer() as sender:
        watch = InboxWatcher(
            inbox,
            Intake(examinations, ingest, patience or Patience()),
            Completion(QuietTimes(quiet_seconds, quiet_seconds)),
            AnnouncedStudies(runtime.telemetry),
            runtime,
            sender,
            Worker(),
            Retention(inbox.root, defaults(announced_hours, 7, 90), Room()),
            QUICK,
        )
        thread = threading.Thread(target=watch.run)
        thread.start()
        try:
            yield watch
        finally:
            runtime.stop.set()
            thread.join(20)
            assert not thread.is_alive()


def receipt(inbox: Inbox, case: str) -> dict[str, Any]:
    """What became of an entry, once it is done with."""
    path = inbox.root / ".receipts" / f"{case}.json"
    eventually(path.is_file)
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def gone(inbox: Inbox, *cases: str) -> None:
    """Wait until entries have left the inbox."""
    eventually(lambda: not any((inbox.root / case).exists() for case in cases))


def announced(runtime: Runtime[IngestSettings]) -> list[Record]:
    """Every announcement so far."""
    return read_all(runtime.log, RECEIVED)


def studies(runtime: Runtime[IngestSettings]) -> list[Event[StudyReceived]]:
    """The same, decoded."""
    return [decode(RECEIVED, each.key, each.value, each.headers) for each in announced(runtime)]


def refusals(runtime: Runtime[IngestSettings]) -> list[str]:
    """The kinds of all dead letters so far."""
    letters = read_all(runtime.log, dead_letters(RECEIVED))
    return [value.decode() for each in letters for name, value in each.headers if name == "dlq_error"]
