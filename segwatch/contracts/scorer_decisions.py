"""What people decide about which scorer counts: records of a topic of the hospital that never leaves it."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from segwatch.contracts.base import Contract, ModelIdentity, Moment, Reason


class ScorerDecision(Contract):
    """From here on another scorer counts.

    `promote` makes the shadow count, `rollback` the scorer that the service is set to. Scorers are named by
    the hashes of their bundles. `number` is how many decisions came before; the first record with an id
    counts.
    """

    decision: Literal["promote", "rollback"]
    number: Annotated[int, Field(ge=0)]
    counts: ModelIdentity
    instead_of: ModelIdentity
    reason: Reason
    who: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    at: Moment

    @model_validator(mode="after")
    def _something_changes(self) -> "ScorerDecision":
        if self.counts.sha256 == self.instead_of.sha256:
            raise ValueError("a scorer does not come instead of itself")
        return self
