"""Whose second opinion of a mask is measured, as `--opinion` says: a bundle that segmentation takes."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.studies import CtUnit, SecondOpinion
from segwatch.errors import BadInput
from segwatch.extras import sentence
from segwatch.features.files import GiveOpinion
from segwatch.segmentation.bundle import OpinionBundle, open_opinion
from segwatch.segmentation.second_opinion import NnunetOpinion, OpinionGiver
from segwatch.volumes.image import Mask, Volume


@dataclass(frozen=True)
class AskedOpinion:
    """The bundle's folder and its digest; both empty where no second opinion is asked for."""

    bundle: str = ""
    sha256: str = ""


def asked_opinion(bundle: Path | None) -> AskedOpinion:
    """What `--opinion` names, verified and loaded once: what is wrong is said here, and not of every case.

    Raises:
        RefusedModel: the bundle is not what its manifest says. BadInput: torch is not installed.
    """
    if bundle is None:
        return AskedOpinion()
    asked = AskedOpinion(str(bundle), open_opinion(bundle).identity.sha256)
    _giver(asked)
    return asked


def giving(asked: AskedOpinion) -> GiveOpinion | None:
    """What compares a mask with the other model's, as the segmentation stage does."""
    if not asked.bundle:
        return None
    giver = _giver(asked)

    def give(ct: Volume, unit: CtUnit, lesion: Mask, lung: Mask | None) -> SecondOpinion | None:
        return None if unit == "unknown" else giver.opinion_of(ct, lung, lesion)

    return give


def named(model: ModelIdentity | None) -> str | None:
    """A model as a table names it: NAME@SHA256."""
    return None if model is None else f"{model.name}@{model.sha256}"


def model_named(text: str | None) -> ModelIdentity | None:
    """The model that a table names."""
    if not text:
        return None
    name, _, sha256 = text.partition("@")
    return ModelIdentity(name=name, sha256=sha256)


@cache
def _giver(asked: AskedOpinion) -> OpinionGiver:
    bundle = open_opinion(Path(asked.bundle), asked.sha256)
    try:
        if isinstance(bundle, OpinionBundle):
            from segwatch.segmentation.opinion_model import OpinionModel

            return OpinionModel(bundle)
        from segwatch.segmentation.lesion import LesionModel
    except ModuleNotFoundError as error:
        raise BadInput(sentence("--opinion", "segmentation", error)) from None
    return NnunetOpinion(LesionModel(bundle))
