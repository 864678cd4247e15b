"""One study's score: what is undefined, what is outside, what failed, and why. Pure: no log, no clock."""

from dataclasses import dataclass

import numpy as np

from segwatch.arrays import Floats
from segwatch.contracts.studies import Contribution, ScoreStatus, StudyMeasured, StudyScored
from segwatch.errors import Unprocessable
from segwatch.scoring import explain, outside
from segwatch.scoring.bundle import Scorer
from segwatch.scoring.predict import serve
from segwatch.scoring.terms import columns

FiveShares = tuple[float, float, float, float, float]
FIRST_VERSION = 1
"""Of a feature whose version the message does not name."""
UNBOUNDED = (0.0, 1.0)
"""The interval of a study outside what the scorer knows: its residuals say nothing there."""


@dataclass(frozen=True)
class Verdict:
    """What scoring adds to a study; the defaults are those of an undefined one."""

    status: ScoreStatus
    reasons: tuple[str, ...]
    predicted_failed: bool = True
    bins: FiveShares | None = None
    predicted_dice: float | None = None
    interval: tuple[float, float] | None = None
    failure_probability: float | None = None
    drivers: tuple[Contribution, ...] = ()


def score(measured: StudyMeasured, scorer: Scorer) -> StudyScored:
    """The predicted quality of a measured mask.

    An empty mask, or one with a feature of the scorer undefined, has no predicted Dice, counts as failed
    and needs attention. A study outside the training cohort, or with no lesion in the lung,
    needs attention whatever its prediction.

    Raises:
        Unprocessable: `other_measures`, `missing_feature` or `other_feature_version`: measured otherwise
            than the scorer expects.
    """
    _check_measures(measured, scorer)
    verdict = _verdict(measured, scorer)
    nowhere = explain.why_nowhere(measured.features)
    return StudyScored(
        study=measured.study,
        patient=measured.patient,
        received_at=measured.received_at,
        status=verdict.status,
        bins=verdict.bins,
        predicted_dice=verdict.predicted_dice,
        interval=verdict.interval,
        failure_probability=verdict.failure_probability,
        predicted_failed=verdict.predicted_failed,
        needs_attention=verdict.predicted_failed or verdict.status != "scored" or bool(nowhere),
        reasons=verdict.reasons + nowhere,
        drivers=verdict.drivers,
        features=measured.features,
        lesion_source=measured.lesion_source,
        model=measured.model,
        scorer=scorer.identity,
    )


def _check_measures(measured: StudyMeasured, scorer: Scorer) -> None:
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
    for feature in scorer.manifest.features:
        found = measured.feature_versions.get(feature.name, FIRST_VERSION)
        if found != feature.version:
            raise Unprocessable(
                f"the study was measured with version {found} of {feature.name}, the scorer "
                f"{scorer.identity.name} was trained on version {feature.version}: train it again on "
                "measures of that version, or serve the features that it knows",
                kind="other_feature_version",
            )


def _verdict(measured: StudyMeasured, scorer: Scorer) -> Verdict:
    needed = scorer.manifest.feature_names
    values = [measured.features[name] for name in needed]
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    empty = measured.status == "empty"
    if empty or len(known) < len(needed):
        return Verdict("undefined", explain.why_undefined(needed, measured.undefined, empty=empty))
    return _scored(known, scorer)


def _scored(values: Floats, scorer: Scorer) -> Verdict:
    manifest = scorer.manifest
    near = outside.kept_near(values, manifest.features)
    read = columns(manifest.terms, manifest.feature_names, near[None, :])[0]
    standardised = outside.standardise(read, manifest.columns)
    predicted = serve(scorer.model, manifest, explain.counterfactuals(near, manifest))
    dice, failure = float(predicted.dice[0]), float(predicted.failure[0])
    drivers = explain.contributions(values, predicted.dice, manifest)
    distance = outside.distance_of(standardised, manifest.outside)
    is_outside = distance > manifest.outside.bound
    is_failed = failure >= manifest.threshold.failure_probability
    far = explain.why_outside(read, standardised, distance, manifest) if is_outside else ()
    bad = explain.why_failed(failure, manifest, drivers) if is_failed else ()
    return Verdict(
        status="outside" if is_outside else "scored",
        reasons=far + bad,
        predicted_failed=is_failed,
        bins=_five(predicted.bins[0]),
        predicted_dice=dice,
        interval=UNBOUNDED if is_outside else manifest.interval.around(dice),
        failure_probability=failure,
        drivers=drivers,
    )


def _five(row: Floats) -> FiveShares:
    worst, bad, poor, fair, good = (float(share) for share in np.clip(row, 0.0, 1.0))
    return worst, bad, poor, fair, good
