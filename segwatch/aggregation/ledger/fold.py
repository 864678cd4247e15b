"""The one fold over the site's ledger: what counts, and where it cannot be read.

The service, its audit log's check, the budget and the explanation all read the ledger here, so that none of
them steps over a record that another stops at.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from segwatch.aggregation.ledger.ledger import Entry, Ledger
from segwatch.contracts.envelope import decode
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.topics import LEDGER
from segwatch.errors import BadInput, InvalidMessage
from segwatch.streaming.log import Record


@dataclass(frozen=True, slots=True)
class CountedEntry:
    """An entry that counts.

    Attributes:
        offset: where it lies in the ledger.
        before: the policy that was in force up to it; None where it is the first.
        extensions: what its record carries beside it.
    """

    entry: Entry
    offset: int
    before: SitePolicy | None
    extensions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Damage:
    """A record that cannot be read: from here on only a new epoch counts."""

    offset: int
    reason: str


def fold(ledger: Ledger, records: Iterable[Record]) -> Iterator[CountedEntry | Damage]:
    """Take the ledger's next records, one at a time: whoever reads may declare a damage in between."""
    for record in records:
        before = ledger.policy_or_none
        try:
            event = decode(LEDGER, record.key, record.value, record.headers)
        except InvalidMessage as error:
            ledger.damage()
            yield Damage(record.at.offset, str(error))
            continue
        entry = ledger.read(event.data)
        if entry is not None:
            yield CountedEntry(entry, record.at.offset, before, event.extensions)


def policy_in_force(records: Iterable[Record]) -> SitePolicy:
    """The policy that the ledger says is in force: a changed file waits for the next portrait.

    Raises:
        BadInput: no policy is in force: the ledger is empty, or cannot be read to its end.
        LogUnavailable, LogRefused: the log is away.
    """
    ledger, damage = Ledger(), None
    for found in fold(ledger, records):
        damage = found if isinstance(found, Damage) else damage
    if ledger.epoch is not None:
        return ledger.policy
    if damage is None:
        raise BadInput("the ledger is empty: no policy is in force yet")
    raise BadInput(
        f"the ledger cannot be read at offset {damage.offset} ({damage.reason}), and no epoch was opened"
        " since: no policy is in force, and nothing behind it counts or leaves. Aggregation opens a new epoch"
        " under its policy file: `segwatch privacy explain --policy FILE` says what leaves then"
    )
