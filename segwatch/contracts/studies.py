"""The messages about one study. None of them leaves the hospital."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from segwatch.contracts.base import (
    Contract,
    Geometry,
    ModelIdentity,
    Moment,
    Name,
    ObjectRef,
    Pseudonym,
    Reason,
)

CtUnit = Literal["hu", "display", "unknown"]
"""What the CT's values are: Hounsfield units; 8-bit display values that were mapped to HU because the
caller said so; or something else, whose intensities mean nothing."""
LesionSource = Literal["nnunet", "nnunet-v1", "given", "none"]
"""Where the lesion mask comes from; `none`: the hospital's own did not come, and no model was to be asked."""
LungMethod = Literal["given", "lungmask", "classical", "none"]
Seconds = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Ensemble = Literal["folds", "seeds"]
"""What an ensemble's members differ in: what they learnt from, or only what was drawn."""
OpinionUse = Literal["read", "absent"]
"""Whether a scorer that reads a second opinion had the one that it knows."""


class Scanner(Contract):
    """How the CT was made, as far as its file says (DICOM PS3.3 C.8.2.1 CT Image Module)."""

    manufacturer: str | None = None
    model: str | None = None
    kernel: str | None = None
    slice_thickness_mm: float | None = None
    tube_current_ma: float | None = None
    peak_kilovoltage: float | None = None
    contrast_agent: bool | None = None
    station: str | None = None
    software: str | None = None
    protocol: Pseudonym | None = Field(
        default=None, description="Keyed hash of the protocol's name, which is free text."
    )


Version = Annotated[int, Field(ge=1)]


class Arrival(Contract):
    """What is special about how a study came; none where nothing is.

    Attributes:
        version: of the study: a later one holds all that the one before held, and more.
        replaces: the id of the announcement of the version before.
        incomplete: why the study may be a part only. It is undefined, whatever is measured of it.
        trial: it is looked at, and counted in no block.
        acquired_at: when the CT was made, where it was fetched from the archive later.
        no_mask: the hospital's own mask did not come, and no model is to be asked. The study is undefined.
    """

    version: Version = 1
    replaces: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] | None = None
    incomplete: Reason | None = None
    trial: bool = False
    acquired_at: Moment | None = None
    no_mask: bool = False


class Study(Contract):
    """What every message about a study carries: pseudonyms, never identifiers."""

    study: Pseudonym
    patient: Pseudonym
    received_at: Moment
    arrival: Arrival | None = None
    scanner: Scanner | None = None

    @property
    def carried(self) -> dict[str, Any]:
        """These fields, as the next message about the study takes them over."""
        return {name: getattr(self, name) for name in Study.model_fields}


class StudyReceived(Study):
    """A complete, valid CT lies in the volume store (from ingest).

    `ct_unit_reason` says why the unit is unknown.
    """

    arrived_by: Literal["folder", "c-store", "stow-rs"]
    ct: ObjectRef
    ct_unit: CtUnit
    geometry: Geometry
    lesion: ObjectRef | None = None
    lung: ObjectRef | None = None
    ct_unit_reason: Reason | None = None


class MaskProbabilities(Contract):
    """What the lesion model itself says of its mask.

    `fold_agreement` is the agreement of an `ensemble`'s members, which learnt from other cases each (folds)
    or from the same ones (seeds): the two do not compare.
    """

    mean_foreground: Share | None = None
    entropy: Annotated[float, Field(ge=0)] | None = None
    fold_agreement: Share | None = None
    soft_dice_confidence: Share | None = None
    soft_recall: Share | None = None
    threshold_agreement: Share | None = None
    ensemble: Ensemble | None = None


class SecondOpinion(Contract):
    """How the mask agrees with another model's mask of the same scan.

    `precision` is the share of the mask that the other model calls lesion too, `recall` the share of the
    other's lesion that is in the mask: null where the other finds none. All are null where the mask falls
    between the points of the grid on which the two are compared.
    """

    dice: Share | None
    precision: Share | None
    recall: Share | None
    model: ModelIdentity


class StudySegmented(Study):
    """The study has its masks, native and on the grid that features are measured on (from segmentation).

    `segmentation_seconds` is how long the stage itself took: a goal for the rest's time leaves it out.
    """

    ct_unit: CtUnit
    geometry: Geometry
    grid: Geometry
    ct: ObjectRef
    lesion: ObjectRef
    lung: ObjectRef | None
    ct_on_grid: ObjectRef
    lesion_on_grid: ObjectRef
    lung_on_grid: ObjectRef | None
    lesion_source: LesionSource
    lung_method: LungMethod
    model: ModelIdentity | None
    probabilities: MaskProbabilities | None = None
    segmentation_seconds: Seconds | None = None
    second_opinion: SecondOpinion | None = None
    ct_unit_reason: Reason | None = None


MeasureStatus = Literal["measured", "empty", "partly_undefined"]


class StudyMeasured(Study):
    """The mask's measures. A feature without value is null and has its reason (from features).

    A scorer knows one version of each feature; a feature that `feature_versions` does not name has version 1.
    `opinion` is the model whose mask the second opinion's features compare with, `ensemble` what the lesion
    model's agreement is of.
    """

    ct_unit: CtUnit
    lesion_source: LesionSource
    lung_method: LungMethod
    model: ModelIdentity | None
    status: MeasureStatus
    features: dict[Name, float | None]
    undefined: dict[Name, Reason]
    profile: Literal["paper", "authors-code"]
    components: Literal["26", "l1"]
    lesion_ml: Annotated[float, Field(ge=0)] | None = None
    feature_versions: dict[Name, Version] = Field(default_factory=dict)
    segmentation_seconds: Seconds | None = None
    opinion: ModelIdentity | None = None
    ensemble: Ensemble | None = None

    @model_validator(mode="after")
    def _every_null_has_its_reason(self) -> "StudyMeasured":
        null = {name for name, value in self.features.items() if value is None}
        if null != set(self.undefined):
            raise ValueError("the features without value and the reasons differ")
        return self


class Contribution(Contract):
    """How much a feature moved the score, and which way, in Dice."""

    feature: Name
    value: float | None
    effect: float


ScoreStatus = Literal["scored", "undefined", "outside"]


class ShadowScore(Contract):
    """What a second scorer says of the same study, beside the one that counts; it changes nothing.

    `refused` is a study that it cannot score: measured otherwise, or without one of its features.
    """

    scorer: ModelIdentity
    status: ScoreStatus | Literal["refused"]
    predicted_dice: Share | None = None
    interval: tuple[Share, Share] | None = None
    failure_probability: Share | None = None
    predicted_failed: bool
    needs_attention: bool
    reason: Reason | None = None
    failure_ratio: Annotated[float, Field(gt=0)] | None = None


Points = Annotated[float, Field(ge=-100, le=100)]
"""Percentage points between two shares."""


class StudyScored(Study):
    """The predicted quality of a mask (from scoring).

    `undefined` has no predicted Dice and counts as failed. `outside` means that the study is not like
    what the scorer was trained on; its figures are shown, and it needs attention. `lung_share_error` is the
    truth's lesion share of the lung less the mask's, as predicted, with an interval; a scorer that was not
    trained for it says nothing. `second_opinion` is null where the scorer reads none; where it is `absent`
    the bundle's scorer that needs none gave the figures.
    """

    status: ScoreStatus
    bins: tuple[Share, Share, Share, Share, Share] | None
    predicted_dice: Share | None
    interval: tuple[Share, Share] | None
    failure_probability: Share | None
    predicted_failed: bool
    needs_attention: bool
    reasons: tuple[Reason, ...]
    drivers: tuple[Contribution, ...]
    features: dict[Name, float | None]
    lesion_source: LesionSource
    model: ModelIdentity | None
    scorer: ModelIdentity
    lung_share_error: Points | None = None
    lung_share_error_interval: tuple[Points, Points] | None = None
    failure_ratio: Annotated[float, Field(gt=0)] | None = None
    """How many times denser this failure probability is among the scorer's failed training studies than among
    its good ones; None where the scorer cannot say, or the study is undefined or outside."""
    second_opinion: OpinionUse | None = None
    shadow: ShadowScore | None = None

    @model_validator(mode="after")
    def _undefined_is_never_good(self) -> "StudyScored":
        if self.arrival is not None and self.arrival.incomplete and self.status != "undefined":
            raise ValueError("an incomplete study is undefined")
        if self.status == "undefined":
            if self.predicted_dice is not None or not self.predicted_failed:
                raise ValueError("an undefined study has no predicted Dice and counts as failed")
            if self.lung_share_error is not None:
                raise ValueError("an undefined study has no predicted error of the lung's share")
        elif self.predicted_dice is None:
            raise ValueError("a scored study has a predicted Dice")
        if (self.status != "scored" or self.predicted_failed) and not self.needs_attention:
            raise ValueError("a failed, undefined or outside study needs attention")
        return self


def verdict_of(scored: StudyScored | ShadowScore) -> str:
    """One word for a score: undefined and outside go before failed, failed before good."""
    if scored.status != "scored":
        return scored.status
    return "failed" if scored.predicted_failed else "good"
