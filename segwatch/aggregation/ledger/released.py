"""What lies in the site's release topic already."""

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from segwatch.aggregation.ledger.ledger import Ledger
from segwatch.aggregation.mechanism.slots import KINDS
from segwatch.contracts.release import Portrait, Pulse
from segwatch.streaming.log import Record

_NAME = re.compile(rb"(pulse|portrait|heartbeat)-([0-9]{1,9})-([0-9]{1,12})")
_log = logging.getLogger(__name__)


@dataclass
class Numbers:
    """Whole numbers, most of them without a gap from 0 on: those take no memory."""

    _next: int = 0
    _beyond: set[int] = field(default_factory=set)

    def add(self, number: int) -> None:
        """Take a number in."""
        if number >= self._next:
            self._beyond.add(number)
        while self._next in self._beyond:
            self._beyond.remove(self._next)
            self._next += 1

    def __contains__(self, number: int) -> bool:
        return number < self._next or number in self._beyond


@dataclass
class Released:
    """The pulses and portraits that were released.

    Attributes:
        numbers: those of each epoch and kind.
        highest_epoch: that any release names, a heartbeat's included; 0 where there is none.
        blocks: how many of each kind the highest epoch has: the last number and one.
    """

    numbers: dict[tuple[int, str], Numbers] = field(default_factory=dict)
    highest_epoch: int = 0
    blocks: dict[str, int] = field(default_factory=dict)

    def hold(self, figures: Pulse | Portrait) -> bool:
        """Whether the block was released."""
        return figures.number in self.numbers.get((figures.epoch, figures.kind), Numbers())

    def more_than(self, ledger: Ledger) -> bool:
        """Whether blocks were released that the ledger does not hold: its end, or all of it, was lost."""
        if ledger.epoch is None or self.highest_epoch != ledger.epoch.epoch:
            return self.highest_epoch > ledger.highest_epoch
        return any(number > ledger.closed[kind] for kind in KINDS if (number := self.blocks.get(kind, 0)))


def released(records: Iterable[Record]) -> Released:
    """Read the site's own release topic back, by the names alone that its keys are: what lies there was
    checked before it was sent. A record that bears no name counts as not released: the block is sent again,
    which is harmless.
    """
    found = Released()
    for record in records:
        name = _NAME.fullmatch(record.key or b"")
        if name is None:
            _log.error("a release without a name", extra={"offset": record.at.offset})
            continue
        kind, epoch, number = name[1].decode(), int(name[2]), int(name[3])
        if epoch > found.highest_epoch:
            found.highest_epoch, found.blocks = epoch, {}
        if kind != "heartbeat":
            found.numbers.setdefault((epoch, kind), Numbers()).add(number)
            if epoch == found.highest_epoch:
                found.blocks[kind] = max(found.blocks.get(kind, 0), number + 1)
    return found
