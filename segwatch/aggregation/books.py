"""Closing blocks: the ledger is written, read back, and what counts there is released.

Nothing is kept that the log does not hold. The order is what the guarantee rests on; it stands in
`Books._close`. A fault anywhere leaves the books as the ledger says, and `settle` is called again.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from segwatch.aggregation.audit_log.log_file import AuditDisagrees, AuditLog
from segwatch.aggregation.blocks import Blocks
from segwatch.aggregation.ledger.fold import CountedEntry, Damage, fold
from segwatch.aggregation.ledger.ledger import Entry, Ledger
from segwatch.aggregation.ledger.record import ledger_record
from segwatch.aggregation.ledger.released import Released, released
from segwatch.aggregation.ledger.resume import Resume
from segwatch.aggregation.local_watch import LocalWatch, announced
from segwatch.aggregation.mechanism.figures import BlockName, figures
from segwatch.aggregation.mechanism.noise import Noise
from segwatch.aggregation.mechanism.policy import differences
from segwatch.aggregation.mechanism.release import release_of
from segwatch.aggregation.mechanism.slots import Due
from segwatch.aggregation.unscored import Unscored
from segwatch.contracts.ledger import BlockClosed, EpochOpened, PolicyChanged
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.topics import LEDGER, RELEASE, SCORED
from segwatch.errors import BadInput
from segwatch.streaming.log import Log, Outgoing, Producer, Record
from segwatch.streaming.topic_reader import TopicReader

MANY = 1000
"""Entries of the ledger that are written into the audit log together."""
_log = logging.getLogger(__name__)
Summary = TypeVar("Summary")


class StartAgain(Exception):
    """The ledger took a turn (a new epoch, a damage): everything is to be made anew from the log."""


@dataclass(frozen=True)
class SiteContext:
    """What the service is told: the site's name, its policy file and audit log, the noise under a policy, and
    the time."""

    name: str
    policy: SitePolicy
    audit_log: Path
    noise_under: Callable[[SitePolicy], Noise]
    now: Callable[[], datetime]


class Books:
    """The site's ledger and blocks, and the releases that are still to be sent."""

    def __init__(self, log: Log, producer: Producer, site: SiteContext, alive: Callable[[], None]) -> None:
        self.ledger = Ledger()
        self.blocks = Blocks()
        self.resume = Resume()
        self.watch = LocalWatch()
        self._log = log
        self._site = site
        self._alive = alive
        self._ledger_topic = TopicReader(log, LEDGER, alive)
        self._unscored = Unscored(log, alive)
        self._unscored_to: int | None = None
        self._producer = producer
        self._audit = AuditLog(site.audit_log, site.name)
        self._unsent: deque[Outgoing] = deque()
        self._sent = Released()
        self._starting = True
        self._may_propose = True

    @property
    def epoch(self) -> int:
        """The number of the epoch in force."""
        if self.ledger.epoch is None:
            raise StartAgain("the ledger is damaged")
        return self.ledger.epoch.epoch

    def start(self) -> None:
        """Read releases and ledger, open an epoch where there is none, and mind what was not released.

        The audit log is read before the ledger, behind which it is written: what it has more was lost there.

        Raises:
            BadInput: the policy file changed without a new version, or the audit log is broken.
            Transient, LogRefused: make new books and start again later.
        """
        self._audit.open()
        before = self._whole(RELEASE, released)
        self._sent = before
        self._adopt(self._ledger_topic.to_end())
        if before.more_than(self.ledger) or self._audit.has_more:
            _log.error(
                "blocks were released that the ledger does not hold: it was lost, or put back from a copy"
            )
            self.ledger.damage()
        self._check_version()
        if self.ledger.epoch is None:
            self._begin(max(before.highest_epoch, self._audit.highest_epoch))
        self._say_policy()
        self._sent = Released()
        self._starting = False

    def open_epoch(self, from_offset: int) -> None:
        """Begin a new epoch at an offset of the scored topic.

        Raises:
            StartAgain: it is done, and these books are at an end.
        """
        _log.warning("a new epoch begins at offset %d of the scored topic", from_offset)
        self._write(
            EpochOpened(
                kind="epoch",
                epoch=self.ledger.highest_epoch + 1,
                from_offset=from_offset,
                opened_at=self._site.now(),
                policy=self._site.policy,
            )
        )

    def settle(self) -> None:
        """Send what is not sent, take a changed policy into force where it may, and close what is full.

        Raises:
            StartAgain: make new books.
            Transient, LogRefused: call again later.
        """
        self._flush()
        self._propose_policy()
        while (due := self.blocks.due(self.ledger.policy)) is not None:
            self._close(due)
            self._propose_policy()

    def close(self) -> None:
        """Let the ledger's reader and the blocks' memory go."""
        self._ledger_topic.close()
        self._unscored.close()
        self.blocks.close()

    def _close(self, due: Due) -> None:
        # 1. Read the ledger to its end: another process may have closed this block already.
        if self._adopt(self._ledger_topic.to_end()):
            self._flush()
            return
        # 2. Draw the noise, once, and write it down with the block's studies. 3. Wait for the
        #    acknowledgement. 4. Read the ledger back up to there: the first record that bears the block's
        #    name counts, and it may be another's, written since step 1. Ours is then never looked at again.
        if not self._write(self._draw(due), due.slots[-1].offset):
            raise AssertionError("the ledger took a block that does not count, and nothing says why")
        # 5. Only now write what counts into the audit log, and 6. release it. A crash before either means
        #    that the next start does it.
        self._flush()

    def _draw(self, due: Due) -> BlockClosed:
        name = BlockName(self._site.name, self.epoch, self.ledger.closed[due.kind])
        now, policy = self._site.now(), self.ledger.policy
        pulse = due.kind == "pulse"
        seen = self.watch.closing(due.slots) if pulse else None
        changes = self.watch.changes + (announced(seen) if seen else 0)
        unscored, to = self._unscored.since(self._unscored_to, now) if pulse else (None, None)
        return BlockClosed(
            kind="block",
            studies=tuple(slot.entry for slot in due.slots),
            closed_at=now,
            figures=figures(name, due, policy, self._site.noise_under(policy), now, changes, unscored),
            watched=seen,
            unscored_to=to,
        )

    def _write(self, entry: Entry, last_at: int | None = None) -> int:
        """Append to the ledger, and read it back; how many entries counted that we had not read yet.

        Args:
            entry: what is written.
            last_at: where a block's last study lies in the scored topic.
        """
        record = ledger_record(self._site.name, entry, self._site.now(), last_at)
        (position,) = self._producer.send([record])
        return self._adopt(self._ledger_topic.through(position))

    def _adopt(self, records: Iterable[Record]) -> int:
        adopted = 0
        for step in fold(self.ledger, records):
            if isinstance(step, Damage):
                _log.error("the ledger is damaged: %s", step.reason, extra={"offset": step.offset})
                if not self._starting:
                    raise StartAgain("the ledger is damaged")
                continue
            if not self._audit.take(step.entry):
                self._contradicted(step)
                continue
            if self._audit.pending >= MANY:  # it is made again: memory must not grow with the ledger
                self._write_audit()
            adopted += 1
            self._follow(step)
        return adopted

    def _contradicted(self, step: CountedEntry) -> None:
        """The audit log says that something else left. As with a damage, only a new epoch may follow; the
        studies may have left in what the ledger lost, so they are never counted again.
        """
        _log.error("the ledger contradicts the audit log", extra={"offset": step.offset})
        if isinstance(step.entry, BlockClosed):
            self.blocks.cover(step.entry.figures.kind, step.entry.studies)
        self.ledger.damage()
        if not self._starting:
            raise StartAgain("the ledger contradicts the audit log")

    def _follow(self, step: CountedEntry) -> None:
        entry = step.entry
        if isinstance(entry, EpochOpened):
            if not self._starting:
                raise StartAgain("a new epoch was opened")
            self.blocks.open_epoch(entry.from_offset)
            self.resume.open_epoch(entry.from_offset)
            self.watch.open_epoch()
            # A ledger that was lost may have told of any letter that lies there: never twice.
            self._unscored_to = 0 if entry.epoch == 1 else None
        elif isinstance(entry, PolicyChanged):
            if step.before is not None and not self._starting:
                _log.warning(
                    "policy %s is in force from pulse %d and portrait %d of epoch %d on, instead of %s: %s",
                    entry.policy.version,
                    entry.first_pulse,
                    entry.first_portrait,
                    entry.epoch,
                    step.before.version,
                    differences(step.before, entry.policy),
                )
        else:
            self.resume.follow(entry, step.extensions)
            self.blocks.cover(entry.figures.kind, entry.studies)
            if entry.figures.kind == "pulse":
                self.watch.follow(entry)
                self._unscored_to = entry.unscored_to
            if not self._sent.hold(entry.figures):
                self._unsent.append(release_of(self._site.name, entry))
            self._may_propose = self._may_propose or entry.figures.kind == "portrait"

    def _flush(self) -> None:
        self._write_audit()
        if not self._unsent:
            return
        self._producer.send(list(self._unsent))
        _log.info("released %d blocks", len(self._unsent))
        self._unsent.clear()

    def _write_audit(self) -> None:
        try:
            line = self._audit.write()
        except AuditDisagrees as error:
            raise StartAgain(str(error)) from None
        if line is not None:
            _log.info("the audit log has grown", extra={"audit_number": line.n, "audit_hash": line.hash})

    def _propose_policy(self) -> None:
        """Once where both kinds begin, so that two processes with two files do not go on contradicting."""
        if not self._may_propose or not self.ledger.both_begin:
            return
        if self._site.policy != self.ledger.policy:
            self._write(
                PolicyChanged(
                    kind="policy",
                    epoch=self.epoch,
                    first_pulse=self.ledger.closed["pulse"],
                    first_portrait=self.ledger.closed["portrait"],
                    changed_at=self._site.now(),
                    policy=self._site.policy,
                )
            )
        self._may_propose = False

    def _begin(self, highest_released: int) -> None:
        """The first epoch counts from the beginning; one after a loss only what is scored from now on."""
        first = highest_released == 0 and self._ledger_topic.next_offset == 0
        self.ledger.highest_epoch = max(self.ledger.highest_epoch, highest_released)
        self.open_epoch(0 if first else self._whole(SCORED, _end))

    def _whole(self, name: str, summary: Callable[[Iterable[Record]], Summary]) -> Summary:
        with closing(TopicReader(self._log, name, self._alive)) as topic:
            return summary(topic.to_end())

    def _say_policy(self) -> None:
        """A line at each start, and one for a changed file: when it counts, and what it changes."""
        there, told = self.ledger.policy, self._site.policy
        _log.info("policy %s is in force in epoch %d", there.version, self.epoch)
        if told != there:
            _log.warning(
                "the policy file holds version %s: it counts from where a pulse and a portrait next begin"
                " together; against %s it changes %s",
                told.version,
                there.version,
                differences(there, told),
            )

    def _check_version(self) -> None:
        policy = self._site.policy
        if self.ledger.policies.get(policy.version, policy) != policy:
            raise BadInput(
                f"the policy file differs from the policy {policy.version} that the ledger holds under the"
                " same version: give the changed policy a new version"
            )


def _end(records: Iterable[Record]) -> int:
    return max((record.at.offset + 1 for record in records), default=0)
