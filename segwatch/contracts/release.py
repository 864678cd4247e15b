"""What leaves a hospital: pulses, portraits and heartbeats, and nothing else.

Every field here leaves. No study, patient, file or per-study figure can be written in these types, nor any
block or epsilon that no site's policy may have.
"""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, RootModel, SerializerFunctionWrapHandler, model_serializer, model_validator

from segwatch.contracts.base import Contract, ModelIdentity, Name, leaves
from segwatch.contracts.policy import (
    LARGEST_EPSILON,
    LARGEST_EPSILON_COUNT,
    LARGEST_PORTRAIT,
    LARGEST_PULSE,
    MINIMUM_PORTRAIT,
    MINIMUM_PULSE,
    MOST_MEANS,
    SLOWEST_HEARTBEAT_SECONDS,
    SMALLEST_EPSILON,
)

Number = Annotated[int, Field(ge=0, le=10**12)]
LARGEST_EPOCH = 10**9
Epoch = Annotated[int, Field(ge=1, le=LARGEST_EPOCH)]
Epsilon = Annotated[float, Field(ge=SMALLEST_EPSILON, le=LARGEST_EPSILON)]
Noised = Annotated[int, Field(ge=-(10**9), le=10**9)]
"""A noised count. The bounds are far beyond any noise; they keep what a stranger sends within arithmetic."""


K = "How many studies the block holds."


class _Block(Contract):
    epoch: Epoch = leaves()
    number: Number = leaves()
    policy_version: str = leaves()
    closed: date = leaves(description="When the block was closed, as coarse as the policy says.")
    model: ModelIdentity | None = leaves(default=None)
    scorer: ModelIdentity | None = leaves(default=None)


class Pulse(_Block):
    """How many of k studies needed attention, with noise. May be negative or above k."""

    kind: Literal["pulse"] = leaves()
    k: Annotated[int, Field(ge=MINIMUM_PULSE, le=LARGEST_PULSE)] = leaves(description=K)
    epsilon: Annotated[float, Field(ge=SMALLEST_EPSILON, le=LARGEST_EPSILON_COUNT)] = leaves()
    needs_attention: Noised = leaves()
    changes: Number | None = leaves(
        default=None,
        description="How many changes of scanner, model or scorer were announced or made in this epoch by"
        " this pulse: a nameless counter, at which a baseline begins.",
    )
    unscored: Noised | None = leaves(
        default=None,
        description="How many examinations ended in a dead letter since the pulse before, so that they have"
        " no score and are in no block: with noise. Left out where the policy does not tell it.",
    )
    epsilon_unscored: Epsilon | None = leaves(
        default=None, description="The budget of `unscored`, spent by those examinations only."
    )

    @model_validator(mode="after")
    def _a_noised_number_names_its_epsilon(self) -> "Pulse":
        if (self.unscored is None) != (self.epsilon_unscored is None):
            raise ValueError("unscored and epsilon_unscored are there together, or not at all")
        return self

    @model_serializer(mode="wrap")
    def _as_it_was_released(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What is not told is not written: a pulse that left before there was such a field is sent again, and
        stands in the audit log, byte by byte as it was."""
        written: dict[str, Any] = write(self)
        for name in ("changes", "unscored", "epsilon_unscored"):
            if written.get(name) is None:
                written.pop(name, None)
        return written


class NoisedMean(Contract):
    """The mean of one feature over a block: clipped to public bounds, in integer steps, with noise."""

    feature: Name = leaves()
    mean: float = leaves()
    low: float = leaves(description="Lower clip bound, from public data.")
    high: float = leaves(description="Upper clip bound, from public data.")
    noise_scale: Annotated[float, Field(gt=0)] = leaves(
        description="Scale of the Laplace noise on the mean, in the feature's unit."
    )


class Portrait(_Block):
    """A noised histogram of predicted quality over k studies, and noised means of a few features."""

    kind: Literal["portrait"] = leaves()
    k: Annotated[int, Field(ge=MINIMUM_PORTRAIT, le=LARGEST_PORTRAIT)] = leaves(description=K)
    epsilon: Annotated[float, Field(ge=SMALLEST_EPSILON, le=2 * LARGEST_EPSILON)] = leaves(
        description="The whole portrait's: histogram and means together."
    )
    epsilon_histogram: Epsilon = leaves()
    histogram: tuple[Noised, Noised, Noised, Noised, Noised, Noised, Noised] = leaves()
    means: Annotated[tuple[NoisedMean, ...], Field(max_length=MOST_MEANS)] = leaves(default=())


class Heartbeat(Contract):
    """The site is alive. On a fixed schedule, whatever happens there; it depends on no study."""

    kind: Literal["heartbeat"] = leaves()
    epoch: Epoch = leaves()
    number: Number = leaves(description="The slot of the schedule: seconds since 1970 over the interval.")
    interval_seconds: Annotated[int, Field(ge=1, le=SLOWEST_HEARTBEAT_SECONDS)] = leaves()
    k: Literal[0] = leaves(default=0)
    epsilon: Literal[0] = leaves(default=0)
    policy_version: str = leaves()


class SiteRelease(RootModel[Annotated[Pulse | Portrait | Heartbeat, Field(discriminator="kind")]]):
    """One record of `segwatch.site.release.v1`."""

    model_config = {"frozen": True}

    @property
    def name(self) -> str:
        """What every copy of it is called: the record's key."""
        return f"{self.root.kind}-{self.root.epoch}-{self.root.number}"
