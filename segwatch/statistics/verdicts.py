"""What scorers make of studies: one type, whoever judges, and one way to fill it in.

*As served*, a study is failed from the bundle's threshold on, and its bin is that of its predicted Dice. By
*the paper's protocol* nothing is calibrated: a classifier's bin is its argmax, a regressor's its clipped
prediction binned; failed is a bin among the three lowest. Predicted Dice is a classifier's
probability-weighted mean of the bins' midpoints, or a regressor's clipped prediction.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from segwatch.arrays import Flags, Floats, Integers
from segwatch.scoring.bins import COUNT, FAILED_BINS, bin_of, expected_dice, failed, failure_mass
from segwatch.scoring.predict import Kind, Predictions, clipped_dice, raw_bins


@dataclass(frozen=True)
class Judged:
    """True Dice (n,), and what a scorer made of each study: (n,), or (r, n) of r resamples.

    An undefined study is failed, in the lowest bin, has no predicted Dice (NaN) and the highest failure
    score (infinity).

    Attributes:
        dice: the truth. bins: 0 to 4, the worst first. predicted: Dice.
        flagged: whether it is predicted failed. score: the higher, the likelier failed.
        authors: the Dice that the authors' code gives; NaN also where nobody asked for it.
    """

    dice: Floats
    bins: Integers
    predicted: Floats
    flagged: Flags
    score: Floats
    authors: Floats

    @classmethod
    def undefined(cls, dice: Floats, *resamples: int) -> "Judged":
        """Every study (n,) as an undefined one; what is defined is filled in."""
        shape = (*resamples, len(dice))
        return cls(
            dice=dice,
            bins=np.zeros(shape, dtype=np.int64),
            predicted=np.full(shape, np.nan),
            flagged=np.ones(shape, dtype=np.bool_),
            score=np.full(shape, np.inf),
            authors=np.full(shape, np.nan),
        )

    @classmethod
    def by_dice(cls, dice: Floats, predicted: Floats) -> "Judged":
        """Predicted Dice (n,) as verdicts: failed is one below 0.6, NaN an undefined study."""
        judged, there = cls.undefined(dice), ~np.isnan(predicted)
        said = predicted[there]
        judged.fill(there, bins=bin_of(said), predicted=said, flagged=failed(said), score=-said, authors=said)
        return judged

    def __len__(self) -> int:
        return len(self.dice)

    def rows(self, chosen: Any) -> "Judged":  # noqa: ANN401 - any index of numpy
        """The chosen studies, which may be chosen more than once."""
        return Judged(*(part[..., chosen] for part in vars(self).values()))

    def fill(
        self,
        where: Any,  # noqa: ANN401 - as above
        *,
        bins: Integers,
        predicted: Floats,
        flagged: Flags,
        score: Floats,
        authors: Floats | float = np.nan,
    ) -> None:
        """Put in what was made of the studies `where`."""
        self.bins[where], self.predicted[where], self.flagged[where] = bins, predicted, flagged
        self.score[where], self.authors[where] = score, authors


def served(dice: Floats, predicted: Predictions, threshold: float) -> Judged:
    """The verdicts on studies of true Dice (n,) as they are served, all of them defined."""
    judged = Judged.undefined(dice)
    fill_served(judged, slice(None), predicted, threshold)
    return judged


def fill_served(judged: Judged, where: Any, predicted: Predictions, threshold: float) -> None:  # noqa: ANN401 - as above
    """Put in the predictions of the studies `where`."""
    judged.fill(
        where,
        bins=bin_of(predicted.dice),
        predicted=predicted.dice,
        flagged=predicted.failure >= threshold,
        score=predicted.failure,
    )


def fill_by_protocol(judged: Judged, where: Any, kind: Kind, model: Any, values: Floats) -> None:  # noqa: ANN401 - as above; scikit-learn carries no types
    """Put in what a model makes of studies `where` that have the features (m, f), by the paper's protocol."""
    if not len(values):
        return
    if kind == "classifier":
        bins = np.asarray(model.predict(values), dtype=np.int64)
        fill_from_bins(judged, where, bins, raw_bins(model, values))
    else:
        dice = clipped_dice(model, values)
        bins = bin_of(dice)
        judged.fill(
            where,
            bins=bins,
            predicted=dice,
            flagged=bins < FAILED_BINS,
            score=-dice,
            authors=model.predict(values),  # as it is, not clipped
        )


def fill_from_bins(judged: Judged, where: Any, bins: Integers, shares: Floats) -> None:  # noqa: ANN401 - as above
    """The same of a classifier that says the bins (..., m) and gives them the probabilities (..., m, 5).

    The Dice that the authors' code gives a class of 1 to 5 is (class - 1) / 4. Source: `get_float` in
    MECLabTUDA/QA_Seg.
    """
    judged.fill(
        where,
        bins=bins,
        predicted=expected_dice(shares),
        flagged=bins < FAILED_BINS,
        score=failure_mass(shares),
        authors=bins.astype(np.float64) / (COUNT - 1),
    )
