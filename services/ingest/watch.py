"""The loop over the inbox: complete entries in, announcements out; nothing lost, nothing held up.

The order for an entry: read and store; send, and wait for the acknowledgement; remember; leave the receipt;
clear the input. A crash in between means the same again, under the same ids.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from segwatch.contracts.topics import RECEIVED
from segwatch.errors import LogRefused, Transient, Unprocessable
from segwatch.ingest.inbox import ANNOUNCED, ORIGIN
from segwatch.streaming.attempts import (
    FIRST_DELAY_SECONDS,
    LONGEST_DELAY_SECONDS,
    Bury,
    Retry,
    delays,
    judge,
)
from segwatch.streaming.deadletters.writing import dead_letter_of_input
from segwatch.streaming.json_logs import about
from segwatch.streaming.log import Outgoing, Producer, outgoing
from segwatch.streaming.runtime import Runtime
from segwatch.streaming.steps import AWAY, successes
from segwatch.streaming.stopping import GRACE_SECONDS
from segwatch.streaming.worker import Worker
from services.ingest.case import InputUnavailable
from services.ingest.completion import Completion, Stillness
from services.ingest.examination import NotComplete, without_ct
from services.ingest.handler import NAME
from services.ingest.inbox import Fingerprint, Inbox, Outcome, Receipt, shortened
from services.ingest.intake import Intake, Ready, Refused, Taken
from services.ingest.retention import Retention
from services.ingest.settings import IngestSettings
from services.ingest.studies import AnnouncedStudies

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class InboxTimes:
    """How long the loop waits for what, in seconds."""

    look: float = 0.5
    """Between two looks at the inbox."""
    feed: float = 0.5
    """Between two signs of life while a case is read."""
    longest_case: float = 1800.0
    """After so long on one case (a disk that hangs) the loop gives no more signs of life: the watchdog ends
    the process, and the case's turn comes last from then on."""
    grace: float = GRACE_SECONDS
    """For the case in hand after the request to stop; then it is left as it is, and read again."""
    first_delay: float = FIRST_DELAY_SECONDS
    longest_delay: float = LONGEST_DELAY_SECONDS


MOST_CRASHES = 5
"""An entry at which the process has died so often is rejected: it would take all others down with it."""


@dataclass
class _Trouble:
    """An entry that failed and is to be tried again."""

    waits: Iterator[float]
    failures: int = 0
    again_at: float = 0.0


class _CaseLeft(Exception):
    """The case in hand is left as it is: we are asked to stop."""


@dataclass
class InboxWatcher:
    """Works through the inbox until `runtime.stop` is set."""

    inbox: Inbox
    intake: Intake
    completion: Completion
    studies: AnnouncedStudies
    runtime: Runtime[IngestSettings]
    producer: Producer
    worker: Worker
    retention: Retention
    pace: InboxTimes = field(default_factory=InboxTimes)
    look_around: Callable[[], None] = lambda: None
    """Called between two looks: keeps what else is shown up to date."""

    def __post_init__(self) -> None:
        self._troubles: dict[str, _Trouble] = {}
        self._since: dict[str, float] = {}
        self._waits = self._delays()
        self._again_at = 0.0

    def run(self) -> None:
        """Raises nothing of its own. It is ready while it can take studies, so while the inbox can be used:
        with store or log away they wait there, and their senders find a door.
        """
        with suppress(_CaseLeft):
            for _ in successes(self._round, self.runtime, self._delays, (OSError,)):
                self.runtime.ready(True)
                self.look_around()
                self.runtime.stop.wait(self.pace.look)

    def _round(self) -> None:
        """One look at the inbox.

        Raises:
            OSError: it cannot be used.
        """
        entries, now = self.inbox.entries(), time.monotonic()
        self._since = {name: self._since.get(name, now) for name in entries}
        self.studies.waiting(len(entries), now - min(self._since.values(), default=now))
        self._troubles = {name: trouble for name, trouble in self._troubles.items() if name in entries}
        if now < self._again_at:
            return
        try:
            self._work_through(entries)
        except AWAY as error:
            self.runtime.retried(type(error).__name__, str(error))
            self._again_at = time.monotonic() + next(self._waits)
        else:
            self._waits = self._delays()

    def _work_through(self, entries: Mapping[str, Fingerprint]) -> None:
        """Everything that is due.

        Raises:
            Transient, LogRefused: the store's or the log's trouble, and so every entry's.
        """
        complete = self.completion.complete(entries, time.monotonic())
        for name in self._due(complete):
            if self.runtime.stop.is_set():
                return
            if self.inbox.fingerprint(name) != entries[name]:
                self.completion.forget(name)
                continue
            with about(case=name), self.studies.timed():
                self._take(name, entries[name], complete[name])
        self.retention.sweep(time.time(), self._refuse_masks_alone)

    def _due(self, complete: Iterable[str]) -> list[str]:
        """Those that are not waiting for another attempt; what has killed the process before comes last."""
        now = time.monotonic()
        due = [n for n in complete if n not in self._troubles or self._troubles[n].again_at <= now]
        return sorted(due, key=lambda name: (self.inbox.unfinished_attempts(name), name))

    def _take(self, name: str, files: Fingerprint, stillness: Stillness) -> None:
        """One entry, from its files to its receipt."""
        self.runtime.alive()
        crashes = self.inbox.unfinished_attempts(name)
        if crashes >= MOST_CRASHES:
            self._reject(name, Bury("crashes_ingest", f"the service died {crashes} times while reading it"))
            self.inbox.end_attempt(name)
            return
        self.inbox.begin_attempt(name)
        try:
            self._try(name, files, stillness)
        finally:
            self.inbox.end_attempt(name)  # reached whatever is raised, but not when the process dies

    def _try(self, name: str, files: Fingerprint, stillness: Stillness) -> None:
        future = self.worker.begin(partial(self.intake.take, self.inbox.root / name, stillness))
        self._wait_for(future)
        error = future.exception()
        if self.inbox.fingerprint(name) != files:
            self.completion.forget(name)  # it was not complete after all, so neither result nor error count
        elif isinstance(error, NotComplete):
            self.completion.postpone(name, time.monotonic())
        elif error is None:
            self._settle(name, files, future.result())
        else:
            self._failed(name, error)

    def _wait_for(self, future: "Future[Taken]") -> None:
        started, stop_by = time.monotonic(), None
        while not wait([future], self.pace.feed).done:
            if time.monotonic() - started < self.pace.longest_case:
                self.runtime.alive()
            if self.runtime.stop.is_set():
                stop_by = stop_by or time.monotonic() + self.pace.grace
                if time.monotonic() >= stop_by:
                    raise _CaseLeft

    def _settle(self, name: str, files: Fingerprint, taken: Taken) -> None:
        """Announce, reject and set aside what the entry holds; its receipt; and only then its files."""
        receipts = [self._announce(name, each, taken) for each in taken.prepared]
        receipts += [self._put_away(name, each) for each in taken.refused]
        for each in taken.aside:
            self.studies.set_aside(each.rule, len(each.files))
        receipt = receipts[-1] if taken.refused else next(iter(receipts), Receipt(name, None, "set_aside"))
        self.inbox.leave_receipt(replace(receipt, series=taken.series()))
        self.inbox.move(taken.to_announced(self.inbox.root))
        self.inbox.move(taken.to_aside(self.inbox.root, name))
        self.inbox.clear(name, files)
        self.inbox.done_with_carriers(name)
        if not receipts:
            self._log_done("set_aside")
            self.studies.done("set_aside")
        self._troubles.pop(name, None)
        self.completion.forget(name)

    def _announce(self, name: str, ready: Ready, taken: Taken) -> Receipt:
        prepared = ready.prepared
        event = prepared.event
        with about(study=prepared.study, correlation=event.id if event else None):
            if event is not None:
                self._send(outgoing(event.type, event))
                self.intake.ingest.remember(prepared)
            self.intake.examinations.remember(ready.chosen)
            self.studies.done(prepared.outcome)
            arrival = event.data.arrival if event else None
            if arrival is not None and arrival.incomplete is not None:
                self.studies.incomplete()
                _log.warning("incomplete: %s", arrival.incomplete)
            self._log_done(prepared.outcome)
        return Receipt(
            name,
            prepared.study,
            prepared.outcome,
            version=prepared.version,
            incomplete=arrival.incomplete if arrival else None,
        )

    def _put_away(self, name: str, refused: Refused) -> Receipt:
        """One study of an entry with others cannot be processed: its files alone are rejected."""
        return self._refuse_files(name, refused.error, refused.chosen.case.series or ())

    def _refuse_masks_alone(self, folder: Path) -> None:
        """Announced images are about to go: a mask that waited among them for its CT is rejected."""
        masks = self.intake.examinations.masks_alone(folder)
        if masks:
            self.inbox.leave_receipt(self._refuse_files(f"{ANNOUNCED}/{folder.name}", without_ct(), masks))

    def _refuse_files(self, name: str, error: Unprocessable, files: Collection[Path]) -> Receipt:
        """Reject some files of a folder of the inbox, and leave the others."""
        entry, content = Path(name).name, self.inbox.content(name, files)
        rejected = f"{shortened(entry)}-{content[:8]}"  # the same after a crash, whatever lies there then
        self._letter(rejected, content, Bury(error.kind, str(error)))
        self.inbox.reject_files(name, rejected, files)
        self.studies.rejected(error.kind)
        self.studies.done("rejected")
        self._log_done("rejected", Bury(error.kind, str(error)))
        return Receipt(entry, None, "rejected", error.kind, str(error))

    def _failed(self, name: str, error: BaseException) -> None:
        if isinstance(error, Transient | LogRefused) and not isinstance(error, InputUnavailable):
            raise error  # the store's or the log's trouble, and so every entry's
        trouble = self._troubles.setdefault(name, _Trouble(self._delays()))
        verdict = judge(error, trouble.failures + 1, self.runtime.settings.max_attempts)
        if isinstance(verdict, Bury):
            if not isinstance(error, Unprocessable):
                _log.error("failed too often", exc_info=error)
            self._reject(name, verdict, trouble.failures + 1)
        else:
            trouble.failures += verdict.counts
            trouble.again_at = time.monotonic() + next(trouble.waits)
            self._retry(verdict, error)

    def _reject(self, name: str, why: Bury, attempts: int = 1) -> None:
        rejected = self.inbox.name_if_rejected(name)
        self._letter(rejected, self.inbox.content(name), why, attempts)
        self.inbox.leave_receipt(Receipt(name, None, "rejected", why.kind, why.reason))
        self.inbox.reject(name, rejected)
        self.studies.rejected(why.kind)
        self._troubles.pop(name, None)
        self.completion.forget(name)
        self.studies.done("rejected")
        self._log_done("rejected", why)

    def _log_done(self, outcome: Outcome, why: Bury | None = None) -> None:
        if why is None:
            _log.info(outcome)
        else:
            _log.error("rejected: %s: %s", why.kind, why.reason)

    def _letter(self, rejected: str, content: str, why: Bury, attempts: int = 1) -> None:
        where = rejected, content, ORIGIN, RECEIVED, NAME
        self._send(dead_letter_of_input(*where, why.kind, why.reason, attempts))

    def _send(self, record: Outgoing) -> None:
        self.runtime.alive()
        self.producer.send([record])
        self.runtime.alive()

    def _retry(self, verdict: Retry, error: BaseException) -> None:
        self.studies.retried(verdict.error)
        trace = None if isinstance(error, Transient) else error
        _log.warning("waiting, then trying again: %s: %s", verdict.error, verdict.reason, exc_info=trace)

    def _delays(self) -> Iterator[float]:
        return delays(self.pace.first_delay, self.pace.longest_delay)
