"""Why a study has its score: each feature's effect on the predicted Dice, and the reasons in plain words."""

from collections.abc import Mapping, Sequence

import numpy as np

from segwatch.arrays import Floats
from segwatch.contracts.base import ModelIdentity, Reason
from segwatch.contracts.quality import FAILED_BELOW
from segwatch.contracts.studies import Contribution
from segwatch.scoring.columns import ColumnStatistics, FeatureStatistics
from segwatch.scoring.manifest import ScorerManifest
from segwatch.scoring.outside import expected_error

SMALLEST_EFFECT = 0.01
"""Effects on the predicted Dice below this are not worth a sentence."""
FAR = 2.0
"""From how many standard deviations on a feature is named as what lies outside."""
LONGEST = 500
WITHIN = "lesions_within_lungs"
"""The measure that says how much of the lesion lies in the lung."""


def counterfactuals(values: Floats, manifest: ScorerManifest) -> Floats:
    """The study's features (f,) and, below, one row for each feature put to the training mean: (1 + f, f)."""
    means = np.array([feature.mean for feature in manifest.features])
    rows = np.repeat(values[None, :], 1 + len(values), axis=0)
    rows[1:][np.diag_indices(len(values))] = means
    return rows


def contributions(values: Floats, dice: Floats, manifest: ScorerManifest) -> tuple[Contribution, ...]:
    """Effects in Dice, the largest first: predicted Dice less the one with that feature at the training mean.

    `dice` (1 + f,) belongs to the rows of `counterfactuals`.
    """
    drivers = [
        Contribution(feature=name, value=float(value), effect=round(float(dice[0] - without), 6))
        for name, value, without in zip(manifest.feature_names, values, dice[1:], strict=True)
    ]
    return tuple(sorted(drivers, key=lambda driver: -abs(driver.effect)))


def why_undefined(needed: Sequence[str], undefined: Mapping[str, Reason], *, empty: bool) -> tuple[str, ...]:
    """One sentence for each feature that the scorer needs and that has no value."""
    gaps = [f"{_plain(name)} is undefined: {undefined[name]}" for name in needed if name in undefined]
    return tuple(_cut(text) for text in (["the mask is empty"] if empty else []) + gaps)


def why_no_opinion(opinion: ModelIdentity | None, manifest: ScorerManifest) -> str:
    """That the second opinion is missing that the scorer needs, or is another model's."""
    if opinion is None or manifest.opinion is None:
        return "there is no second opinion, which this scorer needs"
    known = manifest.opinion.model.name
    return f"the second opinion is of {opinion.name}, and this scorer knows that of {known}"


def why_nowhere(features: Mapping[str, float | None]) -> tuple[str, ...]:
    """That no lesion lies in the lung, whatever the scorer reads; nothing where some does."""
    return ("no lesion voxel lies in the lung",) if features.get(WITHIN) == 0 else ()


def why_failed(failure: float, manifest: ScorerManifest, drivers: Sequence[Contribution]) -> tuple[str, ...]:
    """The probability against its threshold, then what pulls the prediction down."""
    first = (
        f"Dice below {FAILED_BELOW} has a probability of {failure:.2f}, "
        f"and {manifest.threshold.failure_probability:.2f} is this scorer's threshold"
    )
    known = {feature.name: feature for feature in manifest.features}
    lowering = [driver for driver in drivers if driver.effect <= -SMALLEST_EFFECT]
    return tuple(_cut(text) for text in (first, *(_lowers(d, known[d.feature]) for d in lowering)))


def why_outside(
    read: Floats, standardised: Floats, distance: float, manifest: ScorerManifest
) -> tuple[str, ...]:
    """How far the study lies from the training cohort, and what the model reads (t,) that takes it there."""
    region = manifest.outside
    first = (
        f"unlike the {manifest.cohort.studies} studies that the scorer was trained on: "
        f"distance {distance:.1f}, while {region.quantile:.0%} of them are within {region.bound:.1f}"
    )
    order = np.argsort(-np.abs(standardised))
    far = [int(number) for number in order if abs(standardised[number]) >= FAR]
    return tuple(
        _cut(text)
        for text in (first, *(_lies_far(manifest.columns[n], read[n], standardised[n]) for n in far))
    )


def why_doubtful(standardised: Floats, dice: float, manifest: ScorerManifest) -> tuple[str, ...]:
    """The error that the scorer must expect of itself; nothing where it has no doubt."""
    doubt = manifest.outside.doubt
    if doubt is None:
        return ()
    expected = float(expected_error(standardised[None, :], np.array([dice]), doubt)[0])
    sentence = (
        f"the scorer must expect an error of {expected:.2f} in Dice here, while on {doubt.quantile:.0%} of "
        f"the studies of patients left out it expects {doubt.bound:.2f} or less: do not rely on its word"
    )
    return (sentence,)


def _lowers(driver: Contribution, feature: FeatureStatistics) -> str:
    unit = "" if feature.unit == "1" else f" {feature.unit}"
    good = {"high": " (high is good)", "low": " (low is good)", "neither": ""}[feature.good]
    return (
        f"{_plain(driver.feature)} of {driver.value:.4g}{unit} (training mean {feature.mean:.4g}) "
        f"lowers the predicted Dice by {-driver.effect:.2f}{good}. {feature.what}"
    )


def _lies_far(column: ColumnStatistics, value: float, deviations: float) -> str:
    where = "above" if deviations > 0 else "below"
    return (
        f"{_plain(column.name)} of {value:.4g} is {abs(deviations):.1f} standard deviations {where} "
        f"the training mean of {column.mean:.4g}"
    )


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
