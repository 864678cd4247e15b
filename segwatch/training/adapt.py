"""Adapts a fleet's scorer to a site from the few studies that were reviewed there.

Offset first, then a scale that is pulled towards 1, then one that is pulled towards 0 (the reviews' mean);
each only where leaving out one patient after the other shows that it gains: a correction that was fitted on
10 studies is easily worse than none. The reviews' mean alone, a constant, is the rival that stands beside:
only what beats it shows that the scorer tells this site's studies apart.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from segwatch.arrays import Floats, Texts
from segwatch.cohorts.table import Cohort
from segwatch.errors import NoGain, RefusedCohort
from segwatch.scoring.bundle import Scorer
from segwatch.scoring.interval import Interval
from segwatch.scoring.manifest import ScorerManifest
from segwatch.scoring.outside import distance, standardise
from segwatch.scoring.predict import serve
from segwatch.scoring.region import Region
from segwatch.scoring.reviewed import NOT_SHOWN, Adaptation
from segwatch.scoring.terms import columns
from segwatch.statistics.conformal import COVERAGE, conformal_interval, worst_patient
from segwatch.statistics.resampling import mean_over_patients
from segwatch.training.judge import check_versions

FEWEST_STUDIES = 6
FEWEST_PATIENTS = 4
PULL = 0.07
"""Weight of the scale pulled to, in squared Dice: an error of .08 a study over a scale known to .3."""
SMALLEST_SCALE = 0.05
RESAMPLES = 2000
TAIL = 5.0
"""Per cent at either end of the gain's 90 % interval."""

Line = tuple[float, float]
"""Offset and scale."""
Gain = tuple[float, float, float]
"""In mean absolute error, and its 90 % interval."""
CONSTANT = "constant"
_NOT_SHOWN = f"Adapted to a site, it does not surely beat the mean of its reviews: {NOT_SHOWN}"


@dataclass(frozen=True)
class Tried:
    """A correction, its errors on patients left out (n,), and its gains on `none` and on the constant.

    `gain` is on `none`, with a 90 % interval over patients; `on_constant` the same on the reviews' mean.
    """

    name: str
    errors: Floats
    gain: float
    low: float
    high: float
    on_constant: Gain

    @property
    def mae(self) -> float:
        """Mean absolute error on patients left out."""
        return float(np.abs(self.errors).mean())


@dataclass(frozen=True)
class Adapted:
    """The manifest of the adapted scorer, and everything that was tried, `none` first, the constant last."""

    manifest: ScorerManifest
    tried: tuple[Tried, ...]
    taken: str


def adapt(scorer: Scorer, reviews: Cohort, *, name: str | None = None, seed: int = 0) -> Adapted:
    """The scorer with the simplest correction that the reviewed studies carry.

    Args:
        scorer: a fleet's; one that is adapted already is adapted anew from what its fleet said.
        reviews: all rows, of whatever set, with their true Dice.
        name: the adapted scorer's; the fleet's name and `-site` where not given.

    Raises:
        RefusedCohort: too few studies or patients with all features, or measured with other versions.
        NoGain: no correction is better than none by more than chance.
    """
    check_versions(scorer.manifest)
    fleet = as_it_was(scorer.manifest)
    rows = usable(reviews.select(fleet.feature_names))
    predicted = serve(scorer.model, fleet, rows.values).dice
    tried = try_all(predicted, rows.dice, rows.patients, seed)
    best = _simplest(tried)
    constant = tried[-1]
    line = CORRECTIONS[best.name](predicted, rows.dice)
    adaptation = Adaptation(
        fleet_sha256=fleet_of(scorer),
        reviews_sha256=rows.sha256(),
        studies=len(rows),
        patients=len(set(rows.patients.tolist())),
        offset=line[0],
        scale=line[1],
        quantiles=_predictive(best.errors),
        mae_before=tried[0].mae,
        mae_after=best.mae,
        mae_constant=constant.mae,
        gain_low=best.low,
        gain_on_constant_low=best.on_constant[1],
    )
    changed = {
        "name": name or f"{fleet.name[:59]}-site",
        "adaptation": adaptation,
        "interval": _interval(best.errors, rows.patients),
        "outside": _reaching(fleet, rows),
        "limits": _limits(fleet, adaptation),
        "good_masks": None,
    }
    manifest = ScorerManifest.model_validate(fleet.model_copy(update=changed).model_dump())
    return Adapted(manifest, tried, best.name)


def as_it_was(manifest: ScorerManifest) -> ScorerManifest:
    """A manifest without what reviews changed at a site."""
    threshold = manifest.threshold if manifest.site is None else manifest.site.fleet_threshold
    return manifest.model_copy(update={"adaptation": None, "site": None, "threshold": threshold})


def try_all(predicted: Floats, dice: Floats, patients: Texts, seed: int) -> tuple[Tried, ...]:
    """Every correction of the fleet's Dice (n,), judged on patients left out; last the reviews' mean."""
    before = np.abs(dice - predicted)
    fitted = {**CORRECTIONS, CONSTANT: _constant}
    errors = {name: left_out_errors(fitting, predicted, dice, patients) for name, fitting in fitted.items()}
    rival = np.abs(errors[CONSTANT])
    return tuple(
        Tried(
            name,
            each,
            *_gain(before - np.abs(each), patients, seed),
            _gain(rival - np.abs(each), patients, seed),
        )
        for name, each in errors.items()
    )


def _offset(predicted: Floats, dice: Floats) -> Line:
    return float((dice - predicted).mean()), 1.0


def _constant(predicted: Floats, dice: Floats) -> Line:  # noqa: ARG001 - it looks at nothing
    return float(dice.mean()), 0.0


def _scaled(predicted: Floats, dice: Floats, towards: float) -> Line:
    away = predicted - predicted.mean()
    scale = float((away @ (dice - dice.mean()) + PULL * towards) / (away @ away + PULL))
    scale = max(scale, SMALLEST_SCALE)
    return float(dice.mean() - scale * predicted.mean()), scale


CORRECTIONS: Mapping[str, Callable[[Floats, Floats], Line]] = {
    "none": lambda predicted, dice: (0.0, 1.0),
    "offset": _offset,
    "offset and scale": lambda predicted, dice: _scaled(predicted, dice, 1.0),
    "mean and scale": lambda predicted, dice: _scaled(predicted, dice, 0.0),
}
"""From the simplest on. The last starts from the reviews' mean and trusts the scorer as far as they show."""


def left_out_errors(
    fitting: Callable[[Floats, Floats], Line], predicted: Floats, dice: Floats, patients: Texts
) -> Floats:
    """True less corrected Dice (n,), each patient's by a correction that was fitted on the others."""
    errors = np.empty(len(dice))
    for patient in np.unique(patients):
        out = patients == patient
        offset, scale = fitting(predicted[~out], dice[~out])
        errors[out] = dice[out] - np.clip(offset + scale * predicted[out], 0.0, 1.0)
    return errors


def _gain(gains: Floats, patients: Texts, seed: int) -> Gain:
    """Mean gain a study (n,), and its 90 % interval over resampled patients."""
    return mean_over_patients(gains, patients, resamples=RESAMPLES, tail=TAIL, seed=seed)


def _simplest(tried: tuple[Tried, ...]) -> Tried:
    """The first whose gain is surely above 0, or a later one whose gain is surely above that."""
    best = tried[0]
    for each in tried[1:-1]:
        surely_better = each.low > 0 if best is tried[0] else each.low > best.gain
        best = each if surely_better else best
    if best is tried[0]:
        raise NoGain("the scorer is kept as it is, since no correction gains surely:\n" + gains_of(tried))
    return best


def gains_of(tried: tuple[Tried, ...]) -> str:
    """A line for each correction, and whether one of them beats the reviews' mean."""
    *corrections, constant = tried
    lines = [
        f"  {each.name}: mean absolute error {each.mae:.3f} on patients left out, gain {each.gain:+.3f} "
        f"(90 % interval {each.low:+.3f} to {each.high:+.3f}); on the constant {_in_words(each.on_constant)}"
        for each in corrections
    ]
    lines.append(f"  constant, the reviews' mean for every study: {constant.mae:.3f}")
    if not any(each.on_constant[1] > 0 for each in corrections):
        lines.append(f"  no correction surely beats the constant: {NOT_SHOWN}")
    return "\n".join(lines)


def _in_words(gain: Gain) -> str:
    return f"{gain[0]:+.3f} ({gain[1]:+.3f} to {gain[2]:+.3f})"


def usable(reviews: Cohort) -> Cohort:
    """The reviewed studies that have all features.

    Raises:
        RefusedCohort: they are too few, or of too few patients.
    """
    rows = reviews.rows(reviews.defined)
    patients = len(set(rows.patients.tolist()))
    if len(rows) < FEWEST_STUDIES or patients < FEWEST_PATIENTS:
        raise RefusedCohort(
            f"{len(rows)} reviewed studies of {patients} patients have all features that the scorer reads; "
            f"at least {FEWEST_STUDIES} of {FEWEST_PATIENTS} are needed, 10 to 30 are better"
        )
    return rows


def fleet_of(scorer: Scorer) -> str:
    """The hash of the fleet's scorer that a scorer comes from."""
    changed = scorer.manifest.changed_for_a_site
    return scorer.identity.sha256 if changed is None else changed.fleet_sha256


def _limits(fleet: ScorerManifest, adaptation: Adaptation) -> tuple[str, ...]:
    known = tuple(limit for limit in fleet.limits if limit != _NOT_SHOWN)
    return known if adaptation.ranking_shown else (*known, _NOT_SHOWN)


def _predictive(errors: Floats) -> tuple[float, ...]:
    """101 quantiles of a new study's error, Student's: a few errors (n,) are no distribution of their own."""
    n = len(errors)
    spread = float(errors.std(ddof=1)) * np.sqrt(1 + 1 / n)
    shares = np.clip(np.linspace(0.0, 1.0, 101), 0.005, 0.995)
    return tuple(np.asarray(errors.mean() + spread * student(n - 1).ppf(shares)).tolist())


def _interval(errors: Floats, patients: Texts) -> Interval:
    interval = conformal_interval(errors, COVERAGE)
    hits = ((interval.low <= errors) & (errors <= interval.high)).astype(np.float64)
    return interval.model_copy(update={"patients_worst": worst_patient(hits, patients)})


def _reaching(fleet: ScorerManifest, rows: Cohort) -> Region:
    """The fleet's region, reaching as far as the reviewed studies lie: there the correction was judged.

    The fleet's doubt is of Dice that is not corrected: the errors on the site's reviews stand in its place.
    """
    read = columns(fleet.terms, fleet.feature_names, rows.values)
    far = distance(standardise(read, fleet.columns), np.array(fleet.outside.precision))
    bound = max(fleet.outside.bound, float(far.max()))
    return fleet.outside.model_copy(update={"bound": bound, "doubt": None})
