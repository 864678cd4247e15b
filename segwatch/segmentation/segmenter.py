"""One study's masks: given ones as they are, the rest by the models at hand."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.studies import CtUnit, LesionSource, LungMethod, MaskProbabilities
from segwatch.errors import Unprocessable
from segwatch.segmentation.lung_classical import classical_lung
from segwatch.segmentation.lung_display import display_lung
from segwatch.volumes.image import Array, Mask, Volume


class LesionPrediction(Protocol):
    """What a lesion model says of a study."""

    @property
    def mask(self) -> NDArray[np.bool_]: ...
    @property
    def probabilities(self) -> MaskProbabilities: ...


class LesionPredictor(Protocol):
    """A lesion model: `segwatch.segmentation.lesion.LesionModel`, or a test's."""

    identity: ModelIdentity

    def predict(self, ct: NDArray[Any], spacing_zyx_mm: tuple[float, float, float]) -> LesionPrediction: ...


class LungPredictor(Protocol):
    """A lung model: `segwatch.segmentation.lung_model.LungModel`, or a test's."""

    sha256: str

    def segment(self, ct: Array) -> Mask | None: ...


@dataclass(frozen=True, slots=True)
class Lesion:
    """A lesion mask (z, y, x) and where it comes from; model and probabilities are its maker's."""

    mask: Mask
    source: LesionSource
    model: ModelIdentity | None = None
    probabilities: MaskProbabilities | None = None


@dataclass(frozen=True, slots=True)
class Lung:
    """A lung mask (z, y, x), or None, and how it was made."""

    mask: Mask | None
    method: LungMethod


def no_lesion(ct: Volume) -> Lesion:
    """The empty mask of a study whose own mask did not come, where no model is to be asked."""
    return Lesion(np.zeros(ct.geometry.shape_zyx, np.bool_), "none")


def lesion_of(ct: Volume, unit: CtUnit, given: Mask | None, model: LesionPredictor | None) -> Lesion:
    """The lesion mask: the given one, or else the model's.

    Raises:
        Unprocessable: `no_lesion_model`, or `ct_not_in_hu`, where a model would see nonsense.
    """
    if given is not None:
        return Lesion(given, "given")
    if unit == "unknown":
        raise Unprocessable(
            "the CT is not in HU, so a lesion model would see nonsense: send it in HU, give a mask with it,"
            " or say CT_UNIT=display at ingest if its values are 8-bit display values",
            kind="ct_not_in_hu",
        )
    if model is None:
        raise Unprocessable(
            "the study brings no lesion mask and no model is configured: set LESION_MODEL to a bundle,"
            " then replay it",
            kind="no_lesion_model",
        )
    found = model.predict(ct.array, ct.geometry.spacing_zyx_mm)
    return Lesion(found.mask, "nnunet", model.identity, found.probabilities)


def lung_of(ct: Volume, unit: CtUnit, given: Mask | None, model: LungPredictor | None) -> Lung:
    """The lung mask: the given one, or else the model's, or else the classical one; or none."""
    if given is not None:
        return Lung(given, "given")
    if unit == "unknown":
        return Lung(None, "none")
    mask = (
        model.segment(ct.array) if model else lung_without_model(ct.array, unit, ct.geometry.spacing_zyx_mm)
    )
    if mask is None:
        return Lung(None, "none")
    return Lung(mask, "lungmask" if model else "classical")


def lung_without_model(ct: Array, unit: CtUnit, spacing_zyx_mm: tuple[float, float, float]) -> Mask | None:
    """The lungs by thresholds, in HU or mapped from display values; None where nothing can be lungs."""
    return (display_lung if unit == "display" else classical_lung)(ct, spacing_zyx_mm)
