"""The site's rules for choosing the series of an examination: one file, with defaults for chest CT."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from segwatch.contracts.base import Contract

Orientation = Literal["axial", "coronal", "sagittal", "oblique"]


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from None
    return pattern


Pattern = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_compiles)]
"""A regular expression of Python, looked for anywhere in the text, whatever the case of letters."""
Wildcard = Annotated[str, Field(min_length=1, max_length=64)]
"""A text in which `*` and `?` stand for others, whatever the case of letters."""
Wildcards = Annotated[tuple[Wildcard, ...], Field(min_length=1)]


class Limits(Contract):
    """From `min` to `max`, both included; one that is left out sets no limit."""

    min: Annotated[float, Field(ge=0)] | None = None
    max: Annotated[float, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _there_is_room_between(self) -> "Limits":
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is above max")
        return self


class SeriesConditions(Contract):
    """What a series must be; all that are named must hold. What a header does not say holds in none."""

    modality: Wildcards | None = Field(default=None, description="Modality (0008,0060), one of them.")
    sop_class: Wildcards | None = Field(
        default=None, description="SOP Class UID (0008,0016), one of them, as number or keyword."
    )
    image_type: Wildcards | None = Field(
        default=None, description="Values of ImageType (0008,0008); the series has all of them."
    )
    image_type_any: Wildcards | None = Field(
        default=None, description="Values of ImageType (0008,0008); the series has at least one of them."
    )
    orientation: Annotated[tuple[Orientation, ...], Field(min_length=1)] | None = Field(
        default=None, description="How its images lie, from ImageOrientationPatient (0020,0037)."
    )
    slices: Limits | None = Field(default=None, description="How many different places its images have.")
    slice_distance_mm: Limits | None = Field(
        default=None, description="Between two neighbours; of a single image its SliceThickness."
    )
    kernel: Pattern | None = Field(default=None, description="ConvolutionKernel (0018,1210).")
    contrast: bool | None = Field(
        default=None, description="Whether a ContrastBolusAgent (0018,0010) is named."
    )
    description: Pattern | None = Field(default=None, description="SeriesDescription (0008,103E).")
    colour: bool | None = Field(default=None, description="Whether its images are in colour.")


class SeriesRule(SeriesConditions):
    """A named rule: all its conditions hold, and those of `unless` do not."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    unless: SeriesConditions | None = None


class IntakeRules(Contract):
    """Which series of an examination are set aside, and which of the others is its study.

    `set_aside` is asked first, and the first rule that a series meets names why. Of the others the first
    rule of `choose` that any series of an acquisition meets wins; of several series that meet it the one
    with the thinnest slices, then the one with the lowest UID.
    """

    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]
    set_aside: tuple[SeriesRule, ...] = ()
    choose: Annotated[tuple[SeriesRule, ...], Field(min_length=1)]
