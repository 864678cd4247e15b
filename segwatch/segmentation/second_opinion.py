"""A second opinion: how a mask agrees with another model's mask of the same scan."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.studies import SecondOpinion
from segwatch.errors import Unprocessable
from segwatch.segmentation.segmenter import LesionPredictor
from segwatch.volumes.image import Mask, Volume


class OpinionGiver(Protocol):
    """Another model than the one whose masks are judged: `OpinionModel`, `NnunetOpinion`, or a test's."""

    @property
    def identity(self) -> ModelIdentity: ...

    def opinion_of(self, ct: Volume, lung: Mask | None, lesion: Mask) -> SecondOpinion | None:
        """What it says of a lesion mask on a CT in HU; None where it can say nothing."""


@dataclass(frozen=True)
class NnunetOpinion:
    """The lesion model as a second opinion of masks that somebody else made: as slow as a mask."""

    model: LesionPredictor

    @property
    def identity(self) -> ModelIdentity:
        """The lesion model's."""
        return self.model.identity

    def opinion_of(self, ct: Volume, lung: Mask | None, lesion: Mask) -> SecondOpinion | None:
        """The agreement on the scan's own voxels; None where the model cannot segment it."""
        try:
            found = self.model.predict(ct.array, ct.geometry.spacing_zyx_mm)
        except Unprocessable:
            return None  # too thin for the model: the study's own mask is measured all the same
        return agreement(lesion, found.mask, self.identity)


def agreement(mask: Mask, other: Mask, model: ModelIdentity) -> SecondOpinion:
    """How a mask agrees with the other model's, both (z, y, x) on the same voxels."""
    in_mask, in_other = int(mask.sum()), int(other.sum())
    if not in_mask:
        return SecondOpinion(dice=None, precision=None, recall=None, model=model)
    both = int(np.logical_and(mask, other).sum())
    return SecondOpinion(
        dice=2 * both / (in_mask + in_other),
        precision=both / in_mask,
        recall=both / in_other if in_other else None,
        model=model,
    )
