"""A line of the site's audit log: what was decided and what left, in order, chained by hashes.

It holds no study and no patient, so that it may be shown to whoever has to see it. It stays in the hospital
all the same: it says when a block was closed to the second.
"""

from typing import Annotated, Literal

from pydantic import Field

from segwatch.contracts.base import Contract, Digest, Moment
from segwatch.contracts.ledger import EpochOpened, PolicyChanged


class BlockReleased(Contract):
    """A block that left: the record as it was sent, to the byte, and when the ledger closed it."""

    kind: Literal["block"]
    closed_at: Moment
    key: str
    value: str
    headers: tuple[tuple[str, str], ...]
    timestamp_ms: int


AuditEntry = EpochOpened | PolicyChanged | BlockReleased


class AuditLine(Contract):
    """One line. `hash` is the sha256 of the line without it, written canonically (sorted keys, no spaces)."""

    n: Annotated[int, Field(ge=0)]
    previous: Digest
    entry: Annotated[AuditEntry, Field(discriminator="kind")]
    hash: Digest
