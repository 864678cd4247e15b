"""A study's place in a block, and what it puts into the block's figures."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from segwatch.contracts.ledger import CountedStudy
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.quality import BIN_EDGES, OUTSIDE_CELL, UNDEFINED_CELL
from segwatch.contracts.studies import StudyScored

Kind = Literal["pulse", "portrait"]
KINDS: tuple[Kind, Kind] = ("pulse", "portrait")


@dataclass(frozen=True, slots=True)
class Slot:
    """A counted study in the log's order.

    Attributes:
        entry: what the ledger says of it.
        scored: its first scored record; None where the log no longer has it.
        offset: where that record lies.
    """

    entry: CountedStudy
    scored: StudyScored | None
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A block that is full: its kind and its slots."""

    kind: Kind
    slots: tuple[Slot, ...]


def size_of(kind: Kind, policy: SitePolicy) -> int:
    """How many studies a block of the kind holds."""
    return policy.pulse_studies if kind == "pulse" else policy.portrait_studies


def entering(slots: Sequence[Slot], policy: SitePolicy) -> list[StudyScored]:
    """The studies whose contents enter the figures: those within their patient's limit."""
    return [
        slot.scored
        for slot in slots
        if slot.scored is not None and slot.entry.ordinal <= policy.studies_per_patient
    ]


def cell_of(scored: StudyScored) -> int:
    """The histogram's cell of a study: a left-closed bin of predicted Dice, undefined, or outside."""
    if scored.status == "outside":
        return OUTSIDE_CELL
    if scored.predicted_dice is None:
        return UNDEFINED_CELL
    return bisect_right(BIN_EDGES, scored.predicted_dice)
