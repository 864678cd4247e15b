"""The site's ledger, which never leaves: which studies are in which block, and the noise that was drawn.

The first record that bears a block's number is the one that counts; the release is a pure function of it.
"""

from typing import Annotated, Literal

from pydantic import Field, RootModel, model_validator

from segwatch.contracts.base import Contract, Digest, Moment, Pseudonym
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.release import Portrait, Pulse


class EpochOpened(Contract):
    """A new ledger. Studies before `from_offset` of the scored topic belong to an earlier epoch."""

    kind: Literal["epoch"]
    epoch: Annotated[int, Field(ge=1)]
    from_offset: Annotated[int, Field(ge=0)]
    opened_at: Moment
    policy: SitePolicy


class PolicyChanged(Contract):
    """From the named pulse and portrait on, another policy is in force."""

    kind: Literal["policy"]
    epoch: Annotated[int, Field(ge=1)]
    first_pulse: Annotated[int, Field(ge=0)]
    first_portrait: Annotated[int, Field(ge=0)]
    changed_at: Moment
    policy: SitePolicy


class CountedStudy(Contract):
    """A study that has a slot in a block, and how many of its patient's studies were counted by then.

    A study whose ordinal is beyond the policy's limit keeps its slot with a fixed value.
    """

    study: Pseudonym
    patient: Pseudonym
    ordinal: Annotated[int, Field(ge=1)]


class PulseWatched(Contract):
    """What the hospital's own detector needs of a closed pulse, so that it can be made again from the ledger.

    Attributes:
        ratios: of each study in the block's order, see `StudyScored.failure_ratio`; null is one that counts
            as failed.
        decisions: before which study, from 0, which decision came.
        decided_to: the offset behind the last record of the decisions' topic that was taken into account.
        makers: digests of the pairs of lesion model and scorer that several of the studies went through.
    """

    ratios: tuple[Annotated[float, Field(ge=0)] | None, ...]
    decisions: tuple[
        tuple[Annotated[int, Field(ge=0)], Literal["acknowledge", "rebaseline", "announce"]], ...
    ]
    decided_to: Annotated[int, Field(ge=0)]
    makers: tuple[Digest, ...]


class BlockClosed(Contract):
    """A block: its studies, in the log's order, and the noised figures that may leave."""

    kind: Literal["block"]
    studies: tuple[CountedStudy, ...]
    closed_at: Moment
    figures: Annotated[Pulse | Portrait, Field(discriminator="kind")]
    watched: PulseWatched | None = None
    unscored_to: Annotated[int, Field(ge=0)] | None = Field(
        default=None,
        description="Of a pulse: up to which moment of the log, in milliseconds since 1970, dead letters are"
        " in it or in an earlier one. Absent where that is not known.",
    )

    @model_validator(mode="after")
    def _each_study_has_one_slot(self) -> "BlockClosed":
        if not len({entry.study for entry in self.studies}) == len(self.studies) == self.figures.k:
            raise ValueError("the block does not hold k different studies")
        return self


class LedgerRecord(
    RootModel[Annotated[EpochOpened | PolicyChanged | BlockClosed, Field(discriminator="kind")]]
):
    """One record of `segwatch.site.ledger.v1`."""

    model_config = {"frozen": True}
