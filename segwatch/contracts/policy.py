"""The site's privacy policy: the site's own file, with safe defaults; what is loose is refused."""

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from segwatch.contracts.base import Contract, Name, leaves

MINIMUM_PULSE = 20
MINIMUM_PORTRAIT = 100
LARGEST_EPSILON = 1.0
LARGEST_EPSILON_COUNT = 2.0
"""Of the count, where no means leave: their part is spent on it, and a study's whole loss stays 3 at most."""
SMALLEST_EPSILON = 0.001
"""Noise of a smaller epsilon is wider than a thousand studies: nobody would see anything."""
MOST_MEANS = 5
SLOWEST_HEARTBEAT_SECONDS = 86400
LARGEST_PULSE = 1000
LARGEST_PORTRAIT = 5000
"""A block's ledger record names its studies, some 110 bytes each, and must stay under Kafka's 1 MiB."""


class SitePolicy(Contract):
    """What may leave this hospital, how often, and how protected.

    The bounds of each field are the loosest that segwatch accepts: a file beyond them is refused.
    """

    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")] = leaves()
    pulse_studies: Annotated[int, Field(ge=MINIMUM_PULSE, le=LARGEST_PULSE)] = 20
    portrait_studies: Annotated[int, Field(ge=MINIMUM_PORTRAIT, le=LARGEST_PORTRAIT)] = 100
    epsilon_count: Annotated[float, Field(ge=SMALLEST_EPSILON, le=LARGEST_EPSILON_COUNT)] = 1.0
    epsilon_histogram: Annotated[float, Field(ge=SMALLEST_EPSILON, le=LARGEST_EPSILON)] = 1.0
    epsilon_means: Annotated[float, Field(ge=SMALLEST_EPSILON, le=LARGEST_EPSILON)] = 1.0
    means_of: Annotated[tuple[Name, ...], Field(max_length=MOST_MEANS)] = ()
    studies_per_patient: Annotated[int, Field(ge=1, le=100)] = 4
    name_model: bool = False
    name_scorer: bool = False
    dates: Literal["day", "week", "month"] = "week"
    heartbeat_seconds: Annotated[int, Field(ge=1, le=SLOWEST_HEARTBEAT_SECONDS)] = 300
    epsilon_unscored: Annotated[float, Field(ge=SMALLEST_EPSILON, le=LARGEST_EPSILON)] | None = Field(
        default=None,
        description="Of the number of examinations that got no score; null, and nothing leaves of them.",
    )

    @model_serializer(mode="wrap")
    def _as_it_was_written(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the field where it says nothing: the audit log's older lines are the same to the byte."""
        written: dict[str, Any] = write(self)
        if self.epsilon_unscored is None:
            written.pop("epsilon_unscored", None)
        return written

    @model_validator(mode="after")
    def _portraits_are_whole_pulses(self) -> "SitePolicy":
        if self.portrait_studies % self.pulse_studies:
            raise ValueError("portrait_studies must be a multiple of pulse_studies")
        if len(set(self.means_of)) != len(self.means_of):
            raise ValueError("means_of names a feature twice")
        return self

    @model_validator(mode="after")
    def _the_count_may_spend_the_means_part(self) -> "SitePolicy":
        if self.epsilon_count > LARGEST_EPSILON and self.means_of:
            raise ValueError(
                f"epsilon_count may be above {LARGEST_EPSILON:g} only where no means leave: empty means_of"
            )
        return self
