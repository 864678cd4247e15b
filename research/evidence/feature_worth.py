"""What each feature and group of features is worth: the error without it, and by it alone.

Judged on the rows where every feature is defined, so that all are judged on the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from research.evidence.other_segmenters import PUBLISHED, Pair
from research.evidence.trials import left_out_dice
from segwatch.arrays import Floats, Texts
from segwatch.cohorts.table import Cohort
from segwatch.features.registry import ALL, CATALOGUE, PAPER4
from segwatch.statistics.resampling import mean_over_patients
from segwatch.training.feature_sets import feature_set

MODEL = "trees"
"""Reads features in any scale, so that none is worth less for being skewed; learns the shapes by itself."""
_LUNG = ("dense_lung_dice", "dense_lung_missed_share", "lesion_not_dense_share", "rim_dense_share")
_SCAN = ("lung_hu_spread", "slice_distance_mm")
_INTENSITY = (
    "lesion_z_in_lung",
    "lesion_hu_spread",
    "impossible_hu_share",
    "edge_gradient_hu_per_mm",
    "rim_contrast_hu",
)
_PLACE = (
    "lesion_left_share",
    "lesion_upper_share",
    "lesion_share_of_lung",
    "lung_border_distance_mm",
    "outside_lung_5mm_share",
)
_GIVEN = tuple(name for name in ALL if CATALOGUE[name].card.cost == "given")
_SHAPE = tuple(name for name in ALL if name not in {*PAPER4, *_LUNG, *_SCAN, *_INTENSITY, *_PLACE, *_GIVEN})
GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "the paper's four": PAPER4,
        "shape and size": _SHAPE,
        "place in the lung": _PLACE,
        "intensity": _INTENSITY,
        "agreement with dense lung": _LUNG,
        "the scan itself": _SCAN,
        "segmentation's own": _GIVEN,
    }
)


@dataclass(frozen=True)
class Worth:
    """Mean absolute errors without something, and by it alone.

    Attributes:
        name: of a group, or of a feature.
        without: on the cohort, all other features kept.
        harm: what leaving it out adds to the error, with a 95 % interval that resamples patients.
        alone: by it alone; NaN for a feature.
        between: what leaving it out adds where one network's masks are learnt from and another's judged, with
            its interval.
        external: what leaving it out adds on the external set; None where that set lacks it.
    """

    name: str
    without: float
    harm: tuple[float, float, float]
    alone: float
    between: tuple[float, float, float]
    external: float | None


def worths(
    cohort: Cohort,
    external: Cohort,
    others: Sequence[Pair],
    parts: Mapping[str, Sequence[str]],
    *,
    alone: bool,
) -> list[Worth]:
    """What each part is worth, beside all other features, for masks that come with or without probabilities.

    The external set has no probabilities: there, all others are the measured ones. Of `others` those pairs
    count whose masks have them.
    """
    known = known_features(cohort)
    measured = tuple(name for name in known if name not in _GIVEN)
    cohort = cohort.rows(cohort.select(known).defined)
    external = external.rows(external.select(measured).defined)
    networks = [_defined(pair, known) for pair in others if pair.other != PUBLISHED]
    owners = np.concatenate([pair.judged.patients for pair in networks])
    whole = _errors(cohort, cohort, known)
    between = _errors_between(networks, known)
    outside = _errors(cohort, external, measured)
    found = []
    for name, part in parts.items():
        members = [each for each in part if each in known]
        kept = [each for each in known if each not in members]
        without = _errors(cohort, cohort, kept)
        elsewhere = _errors_between(networks, kept)
        by_it = np.mean(_errors(cohort, cohort, members)) if alone else np.nan
        harm = None
        if not set(members) <= set(_GIVEN):
            rest = _errors(cohort, external, [each for each in measured if each not in members])
            harm = float(np.mean(rest) - np.mean(outside))
        found.append(
            Worth(
                name,
                float(np.mean(without)),
                _harm(whole, without, cohort.patients),
                float(by_it),
                _harm(between, elsewhere, owners),
                harm,
            )
        )
    return found


def known_features(cohort: Cohort) -> tuple[str, ...]:
    """The catalogue's features that any row has: a cohort need not have second opinions."""
    names = tuple(name for name in ALL if name in cohort.features)
    values = cohort.select(names).values
    return tuple(name for place, name in enumerate(names) if np.isfinite(values[:, place]).any())


def _defined(pair: Pair, known: tuple[str, ...]) -> Pair:
    learnt, judged = (rows.rows(rows.select(known).defined) for rows in (pair.learnt, pair.judged))
    return replace(pair, learnt=learnt, judged=judged)


def _errors_between(networks: Sequence[Pair], features: Sequence[str]) -> Floats:
    return np.concatenate([_errors(pair.learnt, pair.judged, features) for pair in networks])


def _errors(learnt: Cohort, judged: Cohort, features: Sequence[str]) -> Floats:
    predicted = left_out_dice(learnt, judged, MODEL, feature_set(",".join(features)))
    return np.asarray(np.abs(predicted - judged.dice))


def _harm(whole: Floats, without: Floats, patients: Texts) -> tuple[float, float, float]:
    return mean_over_patients(without - whole, patients, resamples=1000, tail=2.5)
