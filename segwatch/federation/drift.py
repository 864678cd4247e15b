"""How far a portrait's noised feature means lie from the scorer's training cohort: a cause to look for.

A mean that leaves is clipped to public bounds, and a study without the value counts as the middle of them,
so a drift is a hint about what has changed, not a measure of it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from segwatch.contracts.release import Portrait
from segwatch.errors import BadInput
from segwatch.scoring.manifest import ScorerManifest


@dataclass(frozen=True, slots=True)
class Usual:
    """A feature's mean and standard deviation over the training cohort."""

    mean: float
    sd: float


def usual_features(manifest: Path) -> Mapping[str, Usual]:
    """The training cohort's features, from a scorer's `manifest.json`.

    Raises:
        BadInput: the file cannot be read, or is no scorer's manifest.
    """
    try:
        told = ScorerManifest.model_validate_json(manifest.read_bytes())
    except (OSError, ValidationError) as error:
        raise BadInput(
            f"SEGWATCH_TRAINING_MANIFEST={manifest} is no scorer's manifest.json ({type(error).__name__}):"
            " give that of the bundle that the sites serve, or leave the setting out"
        ) from None
    return {feature.name: Usual(feature.mean, feature.sd) for feature in told.features}


def drift_of(portrait: Portrait, usual: Mapping[str, Usual]) -> dict[str, float]:
    """By feature, how many standard errors the portrait's mean lies above the cohort's, noise included."""
    return {
        each.feature: (each.mean - known.mean) / math.sqrt(known.sd**2 / portrait.k + 2 * each.noise_scale**2)
        for each in portrait.means
        if (known := usual.get(each.feature)) is not None
    }
