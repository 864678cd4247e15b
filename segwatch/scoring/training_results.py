"""What training found out about a scorer on patients left out, as a manifest holds it: no row of them."""

from bisect import bisect_right
from typing import Annotated

from pydantic import Field, model_validator

from segwatch.contracts.base import Contract, Digest, ModelIdentity
from segwatch.scoring.calibrated import Probability

LEAST_TRUTH_DICE, MOST_TRUTHS_FLAGGED, MOST_OUTRANKED = 0.75, 0.1, 0.5
"""A scorer that is fit for paging predicts a truth so good at least, flags so many of them at most, and does
not rank good predictions above their truth more often than a coin would."""


class Figure(Contract):
    """A figure of the training rows out of fold, with the 95 % interval that resamples patients."""

    value: float
    low: float
    high: float


class TrainingCohort(Contract):
    """What the scorer was fitted on: counts and a hash, no row of it."""

    sha256: Digest
    studies: Annotated[int, Field(ge=1)]
    patients: Annotated[int, Field(ge=1)]
    failed: Annotated[int, Field(ge=0)]
    left_out_undefined: Annotated[int, Field(ge=0)]
    mean_dice: Probability


class FailureDensities(Contract):
    """How the failure probabilities of failed and of good training rows are spread, out of fold.

    Cell c holds those from edge c - 1 up to edge c; the first begins at 0, the last ends at 1. Counts and
    edges, no row.
    """

    edges: Annotated[tuple[Probability, ...], Field(min_length=1, max_length=50)]
    failed: tuple[Annotated[int, Field(ge=0)], ...]
    good: tuple[Annotated[int, Field(ge=0)], ...]

    @model_validator(mode="after")
    def _edges_ascend_between_the_cells(self) -> "FailureDensities":
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError("the edges do not ascend")
        if not len(self.failed) == len(self.good) == len(self.edges) + 1:
            raise ValueError("the edges do not part the cells")
        return self

    def ratio(self, failure_probability: float) -> float:
        """How many times denser it is among failed rows than among good ones. Half a row is
        added to each cell, so that what was never seen is not certain."""
        cell = bisect_right(self.edges, failure_probability)
        cells = len(self.failed)
        failed = (self.failed[cell] + 0.5) / (sum(self.failed) + 0.5 * cells)
        return failed / ((self.good[cell] + 0.5) / (sum(self.good) + 0.5 * cells))


class GoodMasks(Contract):
    """What the scorer says, out of fold, of good masks (Dice of 0.6 or more) and of truths given as masks.

    `specificity` is the mean over patients of the share of their good masks that is not flagged,
    `worst_patient` the lowest of those with five of them or more. `truths` are the masks of Dice 1;
    `truths_outranked` is the share of pairs of a truth and a good prediction of the same patient in which the
    prediction is ranked higher. What the cohort does not hold is None: then it is not shown.
    """

    patients: Annotated[int, Field(ge=0)]
    specificity: Probability | None
    worst_patient: Probability | None
    truths: Annotated[int, Field(ge=0)]
    truth_dice: Probability | None
    truths_flagged: Probability | None
    truths_outranked: Probability | None

    @property
    def unfit(self) -> tuple[str, ...]:
        """Why the scorer is unfit for paging, in words; empty where these tests do not show that it is."""
        if self.truth_dice is None or self.truths_flagged is None:
            return ("the truth as a mask was not among its masks: that it is taken for good is not shown",)
        reasons = []
        if self.truth_dice < LEAST_TRUTH_DICE:
            reasons.append(f"the truth itself is predicted {self.truth_dice:.2f} on average")
        if self.truths_flagged > MOST_TRUTHS_FLAGGED:
            reasons.append(f"the truth itself is flagged in {self.truths_flagged:.0%}")
        if self.truths_outranked is not None and self.truths_outranked > MOST_OUTRANKED:
            reasons.append(f"{self.truths_outranked:.0%} of the good predictions rank above their truth")
        return tuple(reasons)


class OpinionWorth(Contract):
    """What a second opinion adds, on masks of patients left out, and whose opinion it is.

    `gain` is in AUROC for failed masks, over the scorer that reads none, with its 95 % interval over
    patients. `dice` is the opinion's own, with the truths that were among the masks; None where none were. A
    study whose opinion is another model's is scored as one without.
    """

    model: ModelIdentity
    gain: Figure
    auroc_without: Probability
    dice: Probability | None
