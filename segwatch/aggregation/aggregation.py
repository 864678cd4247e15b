"""One scored study in, the books settled. No consumer group: the log is the state, read from its start."""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing, suppress

from segwatch.aggregation.blocks import version_of
from segwatch.aggregation.books import Books, SiteContext, StartAgain
from segwatch.aggregation.local_watch import LocalChange
from segwatch.aggregation.rolling import MOST_STUDIES, Rolling
from segwatch.contracts.decisions import SiteDecision
from segwatch.contracts.envelope import decode
from segwatch.contracts.studies import StudyScored
from segwatch.contracts.topics import DECISIONS, SCORED, dead_letters
from segwatch.errors import InvalidMessage
from segwatch.streaming.closing import bounded
from segwatch.streaming.deadletters.writing import dead_letter, is_for_another
from segwatch.streaming.log import Log, Record
from segwatch.streaming.telemetry import Telemetry
from segwatch.streaming.topic_reader import TopicReader

NAME = "aggregation"
LOOK_SECONDS = 1.0
"""Between two looks at the topic's end while records come: each asks the log two questions."""
_log = logging.getLogger(__name__)


class Aggregation:
    """Counts scored studies and closes blocks. After a fault call `step` again: nothing was skipped.

    Attributes:
        rolling: the hospital's own windows.
        books: ledger and blocks; None until the ledger was read.
        late_versions: versions of studies that came when their block was closed, as far as were read since
            the start.
        trial_studies: the same of studies that are looked at and not counted.
        caught_up: whether everything that was in the log at start was counted.
        change: how the hospital stands by its own detector; None before the first study.
    """

    def __init__(
        self,
        log: Log,
        site: SiteContext,
        telemetry: Telemetry,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self.rolling = Rolling()
        self.books: Books | None = None
        self.caught_up = False
        self.late_versions: set[tuple[str, int]] = set()
        self.trial_studies: set[str] = set()
        self.change: LocalChange | None = None
        self._log = log
        self._site = site
        self._telemetry = telemetry
        self._alive = alive
        self._scored = TopicReader(log, SCORED, alive)
        self._decisions = TopicReader(log, DECISIONS, alive)
        self._decided: set[str] = set()
        self._waiting: deque[Record] = deque()
        self._windows_from: int | None = None
        self._look_at = 0.0
        self._buried: set[int] | None = None
        self._producer = log.producer()

    def step(self, timeout_seconds: float) -> None:
        """Settle what is due, and count the next scored studies.

        Raises:
            BadInput: the policy file changed without a new version, or the audit log is broken.
            Transient, LogRefused: call again later.
        """
        try:
            books = self.books or self._start()
            looked = self._decide(books)
            books.settle()
            if not self._waiting:
                self._waiting.extend(self._not_done_with(books, timeout_seconds))
            while self._waiting:
                self._take(books, self._waiting[0])
                self._waiting.popleft()
                books.settle()
                looked = False
            if not looked:
                self.change = books.watch.look(
                    books.blocks.open_slots("pulse"), books.ledger.policy.pulse_studies
                )
            self._look_whether_caught_up(books)
        except StartAgain as turn:
            _log.warning("starting again from the log: %s", turn)
            self._forget()

    @property
    def counted_to(self) -> int:
        """The offset behind the last scored record that was counted."""
        return self._scored.next_offset - len(self._waiting)

    def close(self) -> None:
        """Let the connections go."""
        self._forget()
        bounded(self._producer.close, "the producer")

    def _start(self) -> Books:
        """New books, shown to others only when they are complete."""
        books = Books(self._log, self._producer, self._site, self._alive)
        try:
            books.start()
        except BaseException:
            books.close()
            raise
        self.books = books
        self._scored.close()
        self._scored = TopicReader(self._log, SCORED, self._alive, self._first(books))
        return books

    def _decide(self, books: Books) -> bool:
        """Take what people decided; whether how things stand is known with all of it."""
        records = self._decisions.poll(0.0)
        for record in records:
            try:
                event = decode(DECISIONS, record.key, record.value, record.headers)
            except InvalidMessage as error:
                _log.error("passed over a decision: %s", error, extra={"offset": record.at.offset})
                continue
            if event.id not in self._decided:
                self._decided.add(event.id)
                decision: SiteDecision = event.data
                books.watch.take_decision(record.at.offset, decision)
        return self.change is not None and not records

    def _first(self, books: Books) -> int:
        """From where on to read the scored topic: see `resume`; the windows want some more of it."""
        passed = books.resume.passed()
        if passed is None:
            return 0
        with closing(TopicReader(self._log, SCORED, self._alive, passed.offset - 1)) as topic:
            end = passed.offset - 1 + topic.behind()
            found = next(topic.to_end(), None)
        if found is None or (found.at.offset, _study(found)) != (passed.offset - 1, passed.study):
            _log.warning("the last study of a block is not where the ledger says: reading all that is left")
            return 0
        return max(0, min(passed.offset, end - MOST_STUDIES))

    def _forget(self) -> None:
        if self.books is not None:
            self.books.close()
        self.books, self.caught_up = None, False
        self._scored.close()
        self._decisions.close()
        self._decisions, self._decided = TopicReader(self._log, DECISIONS, self._alive), set()
        self._scored, self._windows_from = TopicReader(self._log, SCORED, self._alive), None
        self._waiting.clear()

    def _not_done_with(self, books: Books, timeout_seconds: float) -> Sequence[Record]:
        """The next records, without those of a start that can change nothing: of studies that are done with,
        and too old for any window. They are our own and were read once: they are not even decoded again.
        """
        if self._windows_from is None:
            self._windows_from = self._scored.next_offset + self._scored.behind() - MOST_STUDIES
        records = self._scored.poll(timeout_seconds)
        if not records:
            self._look_at = 0.0
        old = [record for record in records if record.at.offset < self._windows_from]
        if not old:
            return records
        done = books.blocks.are_done([_study(record) for record in old])
        kept = [record for record in old if _study(record) not in done]
        self._telemetry.messages.labels(NAME, "skipped").inc(len(old) - len(kept))
        return [*kept, *records[len(old) :]]

    def _take(self, books: Books, record: Record) -> None:
        outcome = "skipped"
        if not is_for_another(record, NAME):
            try:
                event = decode(SCORED, record.key, record.value, record.headers)
            except InvalidMessage as error:
                self._bury(record, error)
                outcome = "dead_letter"
            else:
                self.rolling.add(event.data)
                if self._counts(books, record.at.offset, event.data):
                    outcome = "done"
                    self._telemetry.last_success.labels(NAME).set_to_current_time()
        self._telemetry.messages.labels(NAME, outcome).inc()

    def _counts(self, books: Books, offset: int, scored: StudyScored) -> bool:
        """Whether the record changes what is counted."""
        if scored.arrival is not None and scored.arrival.trial:
            self.trial_studies.add(scored.study)
            return False
        if books.blocks.count(offset, scored):
            return True
        if version_of(scored) == 1:
            return False
        renewal = books.blocks.renew(scored)
        if renewal == "late":
            self.late_versions.add((scored.study, version_of(scored)))
        return renewal == "renewed"

    def _bury(self, record: Record, error: InvalidMessage) -> None:
        """A dead letter for a record that cannot be read; once, though the topic is read at every start."""
        if self._buried is None:
            self._buried = self._letters()
        if record.at.offset in self._buried:
            return
        reason = str(error)
        _log.error("dead letter: %s: %s", error.kind, reason, extra={"offset": record.at.offset})
        self._producer.send([dead_letter(record, NAME, error.kind, reason, attempts=1)])
        self._telemetry.dead_letters.labels(NAME, error.kind).inc()
        self._buried.add(record.at.offset)

    def _letters(self) -> set[int]:
        """The offsets of scored records that have a dead letter of ours."""
        offsets: set[int] = set()
        with closing(TopicReader(self._log, dead_letters(SCORED), self._alive)) as topic:
            for letter in topic.to_end():
                marks = dict(letter.headers)
                if marks.get("dlq_stage") == NAME.encode():
                    with suppress(KeyError, ValueError):
                        offsets.add(int(marks["dlq_offset"]))
        return offsets

    def _look_whether_caught_up(self, books: Books) -> None:
        if self.caught_up or time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + LOOK_SECONDS
        if not self._scored.at_end():
            return
        epoch = books.ledger.epoch
        if epoch is not None and self._scored.next_offset < epoch.from_offset:
            _log.error("the scored topic ends before the epoch begins: it was made anew")
            books.open_epoch(self._scored.next_offset)
        self.caught_up = True
        _log.info("caught up with the log", extra={"offset": self._scored.next_offset})


def _study(record: Record) -> bytes:
    """The study that the record's key names; nothing where it names none."""
    with suppress(ValueError):
        return bytes.fromhex((record.key or b"").decode(errors="replace"))
    return b""
