"""From where on the scored topic matters at a start: the ledger's own records say it.

Blocks follow the scored topic's order. So every study whose first record lies before the place of a block's
last study is in that block or an earlier one of its kind, and everything there that could not be read has
its dead letter. Each block's ledger record therefore carries it, in the CloudEvents extension SCORED_TO,
and a start reads on from it instead of from the first record. Where a record carries none (an older version
wrote it), where studies were left to an earlier epoch, or where the topic was made anew, all is read.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from segwatch.aggregation.mechanism.slots import KINDS, Kind
from segwatch.contracts.ledger import BlockClosed

SCORED_TO = "scoredto"
"""The offset behind the block's last study in the scored topic."""
_OFFSET = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True, order=True)
class Passed:
    """The last study of a block, and the offset behind it."""

    offset: int
    study: bytes


@dataclass
class Resume:
    """A fold over the ledger's counting blocks."""

    _all: bool = False
    _passed: dict[Kind, Passed] = field(default_factory=dict)

    def open_epoch(self, from_offset: int) -> None:
        """Studies before `from_offset` belong to no block, perhaps: they must be met to be known."""
        self._all = from_offset > 0
        self._passed.clear()

    def follow(self, block: BlockClosed, extensions: Mapping[str, str]) -> None:
        """The next block that counts, with what its record carries."""
        place = extensions.get(SCORED_TO, "")
        if _OFFSET.fullmatch(place):
            self._passed[block.figures.kind] = Passed(int(place), bytes.fromhex(block.studies[-1].study))
        else:
            self._passed.pop(block.figures.kind, None)

    def passed(self) -> Passed | None:
        """Everything before it is settled; None where all has to be read."""
        if self._all or any(kind not in self._passed for kind in KINDS):
            return None
        return min(self._passed.values())
