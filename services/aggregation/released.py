"""What lies in the site's release topic already."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from services.aggregation.ledger import Ledger
from services.aggregation.slots import KINDS
from services.contracts.envelope import decode
from services.contracts.errors import InvalidMessage
from services.contracts.topics import RELEASE
from services.streaming.log import Record

_log = logging.getLogger(__name__)


@dataclass
class Released:
    """The pulses and portraits that were released.

    Attributes:
        ids: of their records.
        highest_epoch: that any release names, a heartbeat's included; 0 where there is none.
        blocks: how many of each kind the highest epoch has: the last number and one.
    """

    ids: set[str] = field(default_factory=set)
    highest_epoch: int = 0
    blocks: dict[str, int] = field(default_factory=dict)

    def more_than(self, ledger: Ledger) -> bool:
        """Whether blocks were released that the ledger does not hold: its end, or all of it, was lost."""
        if ledger.epoch is None or self.highest_epoch != ledger.epoch.epoch:
            return self.highest_epoch > ledger.highest_epoch
        return any(number > ledger.closed[kind] for kind in KINDS if (number := self.blocks.get(kind, 0)))


def released(records: Iterable[Record]) -> Released:
    """Read the site's own release topic back. A record that cannot be read counts as not released: the
    block is sent again, which is harmless.
    """
    found = Released()
    for record in records:
        try:
            event = decode(RELEASE, record.key, record.value, record.headers)
        except InvalidMessage as error:
            _log.error("a release cannot be read back: %s", error, extra={"offset": record.at.offset})
            continue
        figures = event.data.root
        if figures.epoch > found.highest_epoch:
            found.highest_epoch, found.blocks = figures.epoch, {}
        if figures.kind != "heartbeat":
            found.ids.add(event.id)
            if figures.epoch == found.highest_epoch:
                found.blocks[figures.kind] = max(found.blocks.get(figures.kind, 0), figures.number + 1)
    return found
