"""The second target, the error of the lesion's share of the lung, as a manifest holds it."""

from typing import Annotated

from pydantic import Field

from segwatch.contracts.base import Contract, Digest
from segwatch.scoring.calibrated import Probability
from segwatch.scoring.interval import Interval

MASK_SHARE = "lesion_share_of_lung"
"""The mask's share of the lung, whose error `burden` predicts."""


class Burden(Contract):
    """The second target: how far the mask's lesion share of the lung is from the truth's.

    Truth's share less the mask's, in percentage points. `model_sha256` is of `burden.skops`, which predicts
    it from the columns that the scorer's model reads, by `floor` and `weight`
    (`segwatch.scoring.burden`). The interval's bands are of the mask's share, and its bounds are added to the
    prediction. `constant` is the training rows' median error, what would be said of every mask. The figures
    are of patients left out: `mae_constant` is of the other patients' constant, and `gain_low` the lower end
    of the gain's 95 % interval over patients.
    """

    model_sha256: Digest
    floor: Annotated[float, Field(gt=0, lt=1)]
    weight: Annotated[float, Field(gt=0, le=1)]
    interval: Interval
    constant: Annotated[float, Field(ge=-100, le=100)]
    mae: Annotated[float, Field(ge=0)]
    mae_constant: Annotated[float, Field(ge=0)]
    gain: float
    gain_low: float
    covered: Probability
