"""The interval of a scorer that goes to a site whose studies' measures are known, without their Dice."""

from pathlib import Path

import numpy as np

from segwatch.arrays import Floats
from segwatch.cohorts.table import Cohort, read_measures
from segwatch.errors import RefusedCohort
from segwatch.scoring.interval import Interval, SiteAdaptation
from segwatch.statistics.conformal import FEWEST_EFFECTIVE, effective, shift_weights, site_interval
from segwatch.training.feature_sets import FeatureSet

FEWEST_STUDIES = 10


def read_site(path: Path, wanted: FeatureSet) -> Cohort:
    """A site's studies with the features of the set; their Dice is not read, and is NaN.

    Raises:
        RefusedCohort: as `read_measures`, or too few studies have all features.
    """
    rows = read_measures(path).select(wanted.features)
    if rows.defined.sum() < FEWEST_STUDIES:
        raise RefusedCohort(
            f"{int(rows.defined.sum())} studies of {path} have all features that the scorer reads; at least "
            f"{FEWEST_STUDIES} are needed to weight its interval to the site"
        )
    return rows


def weighted_to(site: Cohort, wanted: FeatureSet, rows: Cohort, predicted: Floats) -> Interval:
    """The interval from residuals out of fold that are weighted to a site.

    Args:
        site: its studies, with the set's features.
        rows: the training rows with what the model reads; predicted: their Dice out of fold (n,).

    Raises:
        RefusedCohort: hardly a training row is like the site's.
    """
    known = site.rows(site.defined)
    weights = shift_weights(rows.values, wanted.prepare(known).values)
    left = effective(weights)
    interval = site_interval(predicted, rows.dice - predicted, weights, rows.patients)
    if interval is None:
        raise RefusedCohort(
            f"the site's studies are too unlike the cohort's: of {len(rows)} training rows the weights leave "
            f"{left:.1f} effective ones, and an interval needs {FEWEST_EFFECTIVE}. Train on masks like the "
            "site's; or without --site, and `segwatch calibrate` once studies there are reviewed"
        )
    described = SiteAdaptation(
        sha256=known.sha256(),
        studies=len(known),
        left_out_undefined=len(site) - len(known),
        effective=float(np.round(left, 1)),
    )
    return interval.model_copy(update={"site": described})
