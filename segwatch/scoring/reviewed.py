"""What a site's reviewed studies say of the site and of the scorer there, as a manifest holds it."""

from typing import Annotated

from pydantic import Field, model_validator

from segwatch.contracts.base import Contract, Digest
from segwatch.scoring.calibrated import Probability
from segwatch.scoring.threshold import Threshold

Count = Annotated[int, Field(ge=0)]
NOT_SHOWN = (
    "that the scorer tells this site's studies apart is not shown yet; review more of them, bad ones too."
)
"""Said where an adaptation does not surely beat the reviews' mean."""


class ReviewedShare(Contract):
    """A share with its 95 % interval, and how many of how many reviews it was counted from."""

    value: Probability
    low: Probability
    high: Probability
    found: Count
    n: Annotated[int, Field(ge=1)]


class FlagStratum(Contract):
    """One side of the flag: its studies, how many of them were reviewed, and of those how many had failed."""

    studies: Count
    reviewed: Count
    failed: Count

    @model_validator(mode="after")
    def _parts_are_no_more_than_wholes(self) -> "FlagStratum":
        if not self.failed <= self.reviewed <= self.studies:
            raise ValueError("more were reviewed than there are, or more failed than were reviewed")
        return self


class SiteReviews(Contract):
    """The reviews of some of a site's studies, and what follows from them.

    Attributes:
        fleet_sha256: the scorer that was there before. reviews_sha256: of what was reviewed, and as what.
        reviewed_on: the day, as YYYY-MM-DD, on which that was evaluated.
        studies, patients, failed: of the reviews. with_dice: how many say a Dice, not a word alone.
        flagged, passed: the site's studies by the fleet's flag, reviewed or not.
        failure_rate: post-stratified by that flag; None where one side has studies and no review.
        sensitivity, specificity: at the manifest's threshold, on patients left out when it was chosen; None
            where no reviewed study had failed, or none was good.
        threshold_is_from_here: whether the reviews have chosen it, or it is still the fleet's.
        fleet_threshold: the one before.
    """

    fleet_sha256: Digest
    reviews_sha256: Digest
    reviewed_on: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    studies: Annotated[int, Field(ge=1)]
    patients: Annotated[int, Field(ge=1)]
    failed: Count
    with_dice: Count
    flagged: FlagStratum
    passed: FlagStratum
    failure_rate: ReviewedShare | None
    sensitivity: ReviewedShare | None
    specificity: ReviewedShare | None
    threshold_is_from_here: bool
    fleet_threshold: Threshold


class Adaptation(Contract):
    """What a site's reviewed studies changed: the Dice is offset + scale * (fleet's Dice), within 0 to 1.

    Bins and the probability of failure are those of that Dice, spread by `quantiles`, 101 of the errors that
    were left on patients held out. `mae_before` and `mae_after` are of the reviewed studies, cross-validated
    by patient; `gain_low` is the lower end of the 90 % interval of the difference. `mae_constant` is what the
    mean of the other patients' reviews gives every study, and `gain_on_constant_low` the same lower end
    against it.
    """

    fleet_sha256: Digest
    reviews_sha256: Digest
    studies: Annotated[int, Field(ge=1)]
    patients: Annotated[int, Field(ge=1)]
    offset: float
    scale: Annotated[float, Field(gt=0)]
    quantiles: Annotated[tuple[float, ...], Field(min_length=101, max_length=101)]
    mae_before: Probability
    mae_after: Probability
    mae_constant: Probability
    gain_low: float
    gain_on_constant_low: float

    @property
    def ranking_shown(self) -> bool:
        """Whether the reviews show that the scorer tells the site's studies apart."""
        return self.gain_on_constant_low > 0
