"""The record that carries an entry of the site's ledger. It never leaves."""

from datetime import datetime

from segwatch.aggregation.ledger.ledger import Entry
from segwatch.aggregation.ledger.resume import SCORED_TO
from segwatch.aggregation.mechanism.release import SOURCE, block_id
from segwatch.contracts.envelope import Event
from segwatch.contracts.ledger import BlockClosed, LedgerRecord, PolicyChanged
from segwatch.contracts.topics import LEDGER
from segwatch.streaming.log import Outgoing, outgoing


def ledger_record(site: str, entry: Entry, now: datetime, last_at: int | None = None) -> Outgoing:
    """Two processes' records of one block bear one key and one id: the first in the log counts.

    Args:
        site: whose ledger it is.
        entry: what is written.
        now: when.
        last_at: where a block's last study lies in the scored topic; None where it is not known.
    """
    if isinstance(entry, BlockClosed):
        epoch, kind, number = entry.figures.epoch, str(entry.figures.kind), entry.figures.number
    elif isinstance(entry, PolicyChanged):
        epoch, kind, number = entry.epoch, entry.kind, entry.first_pulse
    else:
        epoch, kind, number = entry.epoch, entry.kind, entry.epoch
    event = Event(
        id=block_id(site, epoch, f"ledger/{kind}", number),
        type=LEDGER,
        key=f"{kind}-{epoch}-{number}",
        source=SOURCE,
        time=now,
        data=LedgerRecord(entry),
        extensions={} if last_at is None else {SCORED_TO: str(last_at + 1)},
    )
    return outgoing(LEDGER, event)
