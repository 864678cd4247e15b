"""Intervals of the predicted Dice from errors out of fold: split-conformal, by bands, and under a shift."""

import numpy as np

from segwatch.arrays import Floats, Texts
from segwatch.scoring.interval import Band, Interval

COVERAGE = 0.8
LARGEST_ERROR = 1.0
"""Of a Dice."""
FEWEST_IN_A_BAND = 30
FEWEST_EFFECTIVE = 20
"""Weights that leave fewer effective rows make no interval: a tail of 10 % would hang on less than two."""
BANDS = 4
JUDGED_PATIENT = 5
"""From how many studies on a patient's own coverage says something."""


def conformal_interval(residuals: Floats, coverage: float = COVERAGE) -> Interval:
    """Quantiles of the residuals (n,) between which a new study's lies with at least the coverage.

    Split-conformal ranks with (n + 1), each tail on its own; holds for studies of new patients that are
    like the cohort's, where each has one study. Source: Vovk et al. (2005); Romano et al. (2019),
    arXiv:1905.03222.
    """
    tail, counts = (1.0 - coverage) / 2.0, np.ones(len(residuals))
    above = _quantile(residuals, counts, 1.0 - tail, beyond=1.0)
    below = -_quantile(-residuals, counts, 1.0 - tail, beyond=1.0)
    return Interval(coverage=coverage, low=min(below, above), high=max(below, above))


def banded_interval(
    predicted: Floats, residuals: Floats, patients: Texts, coverage: float = COVERAGE
) -> Interval:
    """An interval for each band of predicted Dice (n,), cut at quantiles so that each has enough studies.

    A scorer is surer of good masks than of middling ones; bands let the interval say so, and a site whose
    studies lie in other bands than the cohort's keeps its coverage. Source: Vovk et al. (2003), Mondrian
    confidence machine.

    The coverage is that of a new patient's study: see `patient_interval`.
    """
    interval = band_interval(predicted, residuals, patients, coverage)
    worst = worst_patient(covered(interval, predicted, residuals), patients)
    return interval.model_copy(update={"patients_worst": worst})


def band_interval(
    values: Floats,
    residuals: Floats,
    patients: Texts,
    coverage: float = COVERAGE,
    most: float = LARGEST_ERROR,
) -> Interval:
    """The same in bands of whatever values (n,) the errors depend on; no worst patient is told."""
    return _in_bands(values, residuals, alike(patients), coverage, patients, most)


def patient_interval(
    residuals: Floats, weights: Floats, patients: Texts, coverage: float, most: float = LARGEST_ERROR
) -> Interval:
    """Weighted quantiles of residuals (n,) between which a study of a new patient lies with the coverage.

    A patient's studies err together, so what is new is a patient and not a study. With `alike` each patient
    counts the same, and the new one as one more of whom nothing is covered: of k patients the quantiles
    hold (k + 1) / k times the coverage, which is everything where k is 4 or less (of 80 %). The ends are
    chosen on the residuals themselves, tail by tail. With the likelihood ratios of a shifted site's studies
    as weights it is that site's. `most` is the largest error that there can be.
    Source: Lee, Barber and Willett (2023), distribution-free inference with hierarchical data,
    arXiv:2306.06342, section 3; Tibshirani et al. (2019), arXiv:1904.06019.
    """
    count = len(np.unique(patients))
    level = coverage * (count + 1) / max(count, 1)
    if level >= 1.0:
        return Interval(coverage=coverage, low=-most, high=most)
    tail = (1.0 - level) / 2.0
    above = _quantile(residuals, weights, 1.0 - tail)
    below = -_quantile(-residuals, weights, 1.0 - tail)
    return Interval(coverage=coverage, low=min(below, above), high=max(below, above))


def alike(patients: Texts) -> Floats:
    """Weights (n,), 1 on average, under which each patient's studies count as much as any other's."""
    names, owner = np.unique(patients, return_inverse=True)
    counts = np.bincount(owner, minlength=len(names))
    return np.asarray(len(owner) / (len(names) * counts[owner]), dtype=np.float64)


def site_interval(
    predicted: Floats, residuals: Floats, weights: Floats, patients: Texts, coverage: float = COVERAGE
) -> Interval | None:
    """The same under weights (n,), as `shift_weights` gives them; None where they leave too few rows.

    Bands are cut at weighted quantiles, and enough is counted in effective rows. No worst patient is told:
    those of the site are not known.
    """
    if effective(weights) < FEWEST_EFFECTIVE:
        return None
    return _in_bands(predicted, residuals, weights, coverage, patients)


def effective(weights: Floats) -> float:
    """How many rows of the site these likelihood ratios (n,) are worth.

    Kish's (1965) count of rows of equal weight, times the share of the site that the cohort reaches: ratios
    are 1 on average, and less where much of the site lies where the cohort has no row.
    """
    kish = float(weights.sum() ** 2 / (weights**2).sum())
    return kish * min(1.0, float(weights.mean()))


def covered(interval: Interval, predicted: Floats, residuals: Floats) -> Floats:
    """1 where the true Dice (predicted + residual) lies within the interval, else 0; (n,)."""
    bounds = np.array([interval.around(float(dice)) for dice in predicted]).reshape(-1, 2)
    truth = predicted + residuals
    return ((bounds[:, 0] - 1e-12 <= truth) & (truth <= bounds[:, 1] + 1e-12)).astype(np.float64)


def worst_patient(hits: Floats, patients: Texts) -> float | None:
    """The lowest share of hits (n,) among patients with at least five studies; None without one."""
    names, owner = np.unique(patients, return_inverse=True)
    counts = np.bincount(owner, minlength=len(names))
    shares = np.bincount(owner, weights=hits) / counts
    known = shares[counts >= JUDGED_PATIENT]
    return float(known.min()) if len(known) else None


def shift_weights(cohort: Floats, site: Floats) -> Floats:
    """How much likelier each row of the cohort (n, t) would be at a site of which rows (m, t) are known.

    The odds of a logistic regression that tells the two apart, cut at 20 times their mean so that no single
    row carries the interval. Source: Bickel et al. (2009), discriminative learning under covariate shift.
    """
    from sklearn.linear_model import LogisticRegression

    mean, sd = cohort.mean(axis=0), np.where(cohort.std(axis=0) > 0, cohort.std(axis=0), 1.0)
    both = np.clip((np.concatenate([cohort, site]) - mean) / sd, -5.0, 5.0)
    where = np.repeat([0, 1], [len(cohort), len(site)])
    fitted = LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000).fit(both, where)
    odds = np.exp(np.clip(fitted.decision_function(both[: len(cohort)]), -20, 20))
    return np.asarray(np.minimum(odds, 20.0 * odds.mean()), dtype=np.float64)


def _in_bands(
    predicted: Floats,
    residuals: Floats,
    weights: Floats,
    coverage: float,
    patients: Texts,
    most: float = LARGEST_ERROR,
) -> Interval:
    whole = patient_interval(residuals, weights, patients, coverage, most)
    count = min(BANDS, int(effective(weights) + 1e-9) // FEWEST_IN_A_BAND)
    tops = _cuts(predicted, weights, np.arange(1, count) / count) if count > 1 else []
    bands: list[Band] = []
    low = -np.inf
    for top in [*tops, 1.1] if tops else []:
        inside = (predicted >= low) & (predicted < top)
        part = patient_interval(residuals[inside], weights[inside], patients[inside], coverage, most)
        bands.append(Band(below=top, low=part.low, high=part.high))
        low = top
    return Interval(coverage=coverage, low=whole.low, high=whole.high, bands=tuple(bands))


def _cuts(values: Floats, weights: Floats, shares: Floats) -> list[float]:
    """Weighted quantiles of the values (n,), each once; the plain ones where all weights are the same."""
    if not np.ptp(weights):
        return list(np.unique(np.quantile(values, shares)).tolist())
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) / weights.sum()
    return list(np.unique(values[order][np.searchsorted(reached, shares)]).tolist())


def _quantile(values: Floats, weights: Floats, share: float, beyond: float = 0.0) -> float:
    """The value below which the share of the weight lies; `beyond` is weight above all values."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) / (weights.sum() + beyond)
    place = int(np.searchsorted(reached, share - 1e-12))
    return float(values[order[min(place, len(values) - 1)]])
