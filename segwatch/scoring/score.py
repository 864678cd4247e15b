"""One study's score: what is undefined, what is outside, what failed, and why. Pure: no log, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from segwatch.arrays import Floats
from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.quality import AGREEMENT, OPINION
from segwatch.contracts.studies import (
    Contribution,
    Ensemble,
    MeasureStatus,
    OpinionUse,
    ScoreStatus,
    StudyMeasured,
    StudyScored,
)
from segwatch.errors import Unprocessable
from segwatch.scoring import burden, explain, outside
from segwatch.scoring.bundle import Scorer
from segwatch.scoring.manifest import ScorerManifest
from segwatch.scoring.predict import serve
from segwatch.scoring.terms import columns

FiveShares = tuple[float, float, float, float, float]
FIRST_VERSION = 1
"""Of a feature whose version the message does not name."""
UNBOUNDED = (0.0, 1.0)
"""The interval of a study outside what the scorer knows: its residuals say nothing there."""


class Measured(Protocol):
    """What a score is made from: `segwatch.Measures`, or the message `StudyMeasured`.

    Attributes:
        status: whether the mask is empty, and whether all has a value.
        features: each feature's value, or None where it has none.
        undefined: for each feature without value, why.
        profile: the reading of the paper's features.
        components: the rule by which voxels connect.
        feature_versions: of each feature; 1 where one is not named.
        opinion: the model that the second opinion's features compare with.
        ensemble: what the agreement of the lesion model's checkpoints is of.
    """

    @property
    def status(self) -> MeasureStatus: ...
    @property
    def features(self) -> Mapping[str, float | None]: ...
    @property
    def undefined(self) -> Mapping[str, str]: ...
    @property
    def profile(self) -> str: ...
    @property
    def components(self) -> str: ...
    @property
    def feature_versions(self) -> Mapping[str, int]: ...
    @property
    def opinion(self) -> ModelIdentity | None: ...
    @property
    def ensemble(self) -> Ensemble | None: ...


@dataclass(frozen=True)
class Score:
    """The predicted quality of a mask; the defaults are those of an undefined one.

    Attributes:
        status: `scored`; `outside`, the study is not like those that the scorer was trained on; `undefined`,
            the mask is empty, or a feature that the scorer needs has no value.
        reasons: in plain words, why it needs attention.
        predicted_failed: whether the probability of failure reaches the scorer's threshold.
        bins: the probabilities that the Dice lies in each fifth, from 0 to 1.
        predicted_dice: expected Dice. interval: around it; (0, 1) outside.
        failure_probability: that the Dice is below 0.6.
        drivers: each feature's effect on the predicted Dice, the largest first.
        needs_attention: whether a person should look: failed, undefined, outside, or no lesion in the lung.
        lung_share_error: the truth's lesion share of the lung less the mask's, as predicted, in percentage
            points; None where the scorer has no such target. lung_share_error_interval: around it.
        failure_ratio: how many times denser the failure probability is among failed training rows than among
            good ones; None of an undefined study, one outside, and where the bundle does not say.
        second_opinion: whether the one that the scorer reads was there; None where it reads none.
    """

    status: ScoreStatus
    reasons: tuple[str, ...]
    predicted_failed: bool = True
    bins: FiveShares | None = None
    predicted_dice: float | None = None
    interval: tuple[float, float] | None = None
    failure_probability: float | None = None
    drivers: tuple[Contribution, ...] = ()
    needs_attention: bool = True
    lung_share_error: float | None = None
    lung_share_error_interval: tuple[float, float] | None = None
    failure_ratio: float | None = None
    second_opinion: OpinionUse | None = None


def score(measured: Measured, scorer: Scorer) -> Score:
    """The predicted quality of a measured mask.

    An empty mask, or one with a feature of the scorer undefined, has no predicted Dice, counts as failed
    and needs attention. A study outside the training cohort, or with no lesion in the lung,
    needs attention whatever its prediction. A study without the second opinion that the scorer reads, or with
    another model's, is scored by the bundle's scorer that needs none; where there is no such scorer it is
    undefined.

    Raises:
        Unprocessable: `other_measures`, `missing_feature`, `other_feature_version` or `other_ensemble`:
            measured otherwise than the scorer expects.
    """
    if not scorer.manifest.reads_opinion:
        return _attended(measured, scorer)
    if has_opinion(measured, scorer.manifest):
        return replace(_attended(measured, scorer), second_opinion="read")
    if scorer.without_opinion is not None:
        return replace(_attended(measured, scorer.without_opinion), second_opinion="absent")
    return Score(
        "undefined", (explain.why_no_opinion(measured.opinion, scorer.manifest),), second_opinion="absent"
    )


def has_opinion(measured: Measured, manifest: ScorerManifest) -> bool:
    """Whether the study has the second opinion that the scorer was trained on.

    One that could not be compared in full (the other model finds no lesion) counts: what it lacks is
    undefined.
    """
    known, found = manifest.opinion, measured.opinion
    if known is None or found is None or found.sha256 != known.model.sha256:
        return False
    return any(measured.features.get(name) is not None for name in OPINION)


def _attended(measured: Measured, scorer: Scorer) -> Score:
    _check_measures(measured, scorer)
    found = _score(measured, scorer)
    nowhere = explain.why_nowhere(measured.features)
    attention = found.predicted_failed or found.status != "scored" or bool(nowhere)
    return replace(found, reasons=found.reasons + nowhere, needs_attention=attention)


def scored_study(measured: StudyMeasured, scorer: Scorer) -> StudyScored:
    """The message that carries a measured study's score; raises as `score` does."""
    return StudyScored(
        **measured.carried,
        **vars(study_score(measured, scorer)),
        features=measured.features,
        lesion_source=measured.lesion_source,
        model=measured.model,
        scorer=scorer.identity,
    )


def study_score(measured: StudyMeasured, scorer: Scorer) -> Score:
    """The score of a study; undefined where it may be a part only, or has no mask: a part is never the whole.

    Raises as `score` does.
    """
    found = score(measured, scorer)
    arrival = measured.arrival
    if arrival is None or (arrival.incomplete is None and not arrival.no_mask):
        return found
    missing = [] if arrival.incomplete is None else [f"incomplete: {arrival.incomplete}"]
    missing += ["no_mask: the hospital's own mask did not come"] if arrival.no_mask else []
    return Score("undefined", (*missing, *found.reasons))


def _check_measures(measured: Measured, scorer: Scorer) -> None:
    expected = scorer.manifest.measured
    if (measured.profile, measured.components) != (expected.profile, expected.components):
        raise Unprocessable(
            f"measured with profile {measured.profile}, components {measured.components}; the scorer "
            f"{scorer.identity.name} was trained on {expected.profile}, {expected.components}: set features' "
            "PROFILE and COMPONENTS alike, or serve another scorer",
            kind="other_measures",
        )
    missing = [name for name in scorer.manifest.feature_names if name not in measured.features]
    if missing:
        raise Unprocessable(
            f"the study was measured without {', '.join(missing)}, which the scorer "
            f"{scorer.identity.name} needs: serve a scorer of the features that are measured",
            kind="missing_feature",
        )
    if AGREEMENT in scorer.manifest.feature_names and measured.ensemble != scorer.manifest.ensemble:
        raise Unprocessable(
            f"the agreement of this study's lesion model is of {measured.ensemble or 'unsaid'}, the scorer "
            f"{scorer.identity.name} was trained on that of {scorer.manifest.ensemble or 'unsaid'}: the two "
            "do not compare, so serve a scorer of the same kind",
            kind="other_ensemble",
        )
    for feature in scorer.manifest.features:
        found = measured.feature_versions.get(feature.name, FIRST_VERSION)
        if found != feature.version:
            raise Unprocessable(
                f"the study was measured with version {found} of {feature.name}, the scorer "
                f"{scorer.identity.name} was trained on version {feature.version}: train it again on "
                "measures of that version, or serve the features that it knows",
                kind="other_feature_version",
            )


def _score(measured: Measured, scorer: Scorer) -> Score:
    needed = scorer.manifest.feature_names
    values = [measured.features[name] for name in needed]
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    empty = measured.status == "empty"
    if empty or len(known) < len(needed):
        return Score("undefined", explain.why_undefined(needed, measured.undefined, empty=empty))
    return _predicted(known, scorer)


def _predicted(values: Floats, scorer: Scorer) -> Score:
    manifest = scorer.manifest
    near = outside.cut_at_farthest(values, manifest.features)
    read = columns(manifest.terms, manifest.feature_names, near[None, :])[0]
    standardised = outside.standardise(read, manifest.columns)
    predicted = serve(scorer.model, manifest, explain.counterfactuals(near, manifest))
    dice, failure = float(predicted.dice[0]), float(predicted.failure[0])
    drivers = explain.contributions(values, predicted.dice, manifest)
    densities = None if manifest.adaptation else manifest.failure_densities
    distance = outside.distance_of(standardised, manifest.outside)
    doubtful = bool(outside.is_doubtful(standardised[None, :], predicted.dice[:1], manifest.outside)[0])
    is_far = distance > manifest.outside.bound
    is_outside = is_far or doubtful
    is_failed = failure >= manifest.threshold.failure_probability
    far = explain.why_outside(read, standardised, distance, manifest) if is_far else ()
    if doubtful:
        far += explain.why_doubtful(standardised, dice, manifest)
    bad = explain.why_failed(failure, manifest, drivers) if is_failed else ()
    share_error, around = _burden(near, scorer, outside=is_outside)
    return Score(
        status="outside" if is_outside else "scored",
        reasons=far + bad,
        predicted_failed=is_failed,
        bins=_five(predicted.bins[0]),
        predicted_dice=dice,
        interval=UNBOUNDED if is_outside else manifest.interval.around(dice),
        failure_probability=failure,
        drivers=drivers,
        lung_share_error=share_error,
        lung_share_error_interval=around,
        failure_ratio=densities.ratio(failure) if densities and not is_outside else None,
    )


def _burden(
    values: Floats, scorer: Scorer, *, outside: bool
) -> tuple[float | None, tuple[float, float] | None]:
    """The predicted error of the lesion's share of the lung and its interval, where the scorer has them."""
    part = scorer.manifest.burden
    if part is None or scorer.burden is None:
        return None, None
    rows = values[None, :]
    error = float(burden.share_error(scorer.burden, scorer.manifest, rows)[0])
    share = float(burden.mask_share(scorer.manifest, rows)[0])
    return error, burden.error_bounds(part, error, share, outside=outside)


def _five(row: Floats) -> FiveShares:
    worst, bad, poor, fair, good = (float(share) for share in np.clip(row, 0.0, 1.0))
    return worst, bad, poor, fair, good
