"""A fleet's scorer at a site where some studies were reviewed: threshold, sensitivity, the site's rate.

Everything is judged on patients left out. What the reviews cannot say stays the fleet's, or is None.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from segwatch.arrays import Flags, Floats, Integers
from segwatch.cohorts.reviews import Review
from segwatch.cohorts.table import Cohort
from segwatch.contracts.identity import digest_of
from segwatch.errors import BadInput, NoGain
from segwatch.scoring.bundle import Scorer
from segwatch.scoring.manifest import ScorerManifest
from segwatch.scoring.predict import adapted
from segwatch.scoring.reviewed import FlagStratum, ReviewedShare, SiteReviews
from segwatch.scoring.score import Score
from segwatch.scoring.threshold import Threshold
from segwatch.statistics.poststratified import Share, Stratum, poststratified, strata, weighted_share
from segwatch.training.adapt import CORRECTIONS, Adapted, adapt, as_it_was, fleet_of, left_out_errors, usable
from segwatch.training.scored_table import scores_of
from segwatch.training.site_threshold import Criterion, flags_at, flags_left_out, threshold_here

WORDS_ONLY = "not every review says a Dice, and a word is none: the predicted Dice stays the fleet's"


@dataclass(frozen=True)
class SiteStudies:
    """A site's studies (n,), of which some were reviewed (m,).

    Attributes:
        studies: with the features that the scorer reads; their Dice is not read.
        reviews: what was said (m,). numbers: of which rows of `studies` (m,).
    """

    studies: Cohort
    reviews: Sequence[Review]
    numbers: Integers

    @property
    def reviewed(self) -> Cohort:
        """The reviewed rows, with the Dice that the reviews say, NaN where they say a word."""
        dice = [np.nan if review.dice is None else review.dice for review in self.reviews]
        return replace(self.studies.rows(self.numbers), dice=np.array(dice, dtype=np.float64))

    @property
    def failed(self) -> Flags:
        """Whether each reviewed mask had failed (m,)."""
        return np.array([review.failed for review in self.reviews], dtype=np.bool_)

    def sha256(self) -> str:
        """The hash of what was reviewed, and as what."""
        said = sorted([each.case, each.failed, each.dice] for each in self.reviews)
        return digest_of([said, self.reviewed.sha256()])


@dataclass(frozen=True)
class SiteCalibration:
    """The site's scorer.

    Attributes:
        manifest: with its threshold and its `site`; with an adaptation where a correction of the Dice gains.
        correction: of the Dice, where there is one. no_correction: why there is none, in words.
    """

    manifest: ScorerManifest
    correction: Adapted | None
    no_correction: str


def calibrate_to_site(
    scorer: Scorer,
    here: SiteStudies,
    *,
    day: str,
    name: str | None = None,
    criterion: Criterion | None = None,
    seed: int = 0,
) -> SiteCalibration:
    """The fleet's scorer with what the reviews say of it at the site.

    Args:
        scorer: the fleet's; one that was calibrated to a site before is calibrated anew.
        here: the site's studies and reviews.
        day: as YYYY-MM-DD, on which this is done.
        name: the site's scorer's; the fleet's name and `-site` where not given.
        criterion: of the threshold; the fleet's where not given.
        seed: of resampled patients.

    Raises:
        RefusedCohort: too few reviewed studies or patients with all features, or other measures.
        BadInput: the scorer's Dice was corrected for a site before, and these reviews correct none.
    """
    fleet = replace(scorer, manifest=as_it_was(scorer.manifest))
    rows = here.reviewed
    usable(rows.select(fleet.manifest.feature_names))
    sides = _sides(fleet, here)
    correction, why = _corrected(scorer, rows, seed)
    if correction is None and scorer.manifest.adaptation is not None:
        raise BadInput(f"{scorer.manifest.name} has a site's interval already: calibrate the fleet's bundle")
    wanted = criterion or Criterion.of(fleet.manifest.threshold)
    failure = _failure(scores_of(fleet, rows), rows, correction)
    before = fleet.manifest.threshold.failure_probability
    verdicts = _verdicts(here, sides.weights, failure, wanted, before)
    site = _site_reviews(scorer, here, sides, verdicts, day)
    changed = {
        "name": name or f"{fleet.manifest.name[:59]}-site",
        "good_masks": None,
        "site": site,
        "threshold": _threshold(verdicts.threshold, wanted, site),
    }
    manifest = fleet.manifest if correction is None else correction.manifest
    whole = ScorerManifest.model_validate(manifest.model_copy(update=changed).model_dump())
    return SiteCalibration(whole, correction, why)


@dataclass(frozen=True)
class _Sides:
    """Flagged studies and the others, and how many studies each reviewed one stands for (m,)."""

    parts: tuple[Stratum, Stratum]
    weights: Floats


@dataclass(frozen=True)
class _Verdicts:
    """The threshold, None where the reviews choose none; each study's flag without its patient (m,)."""

    threshold: float | None
    flags: Flags


def _sides(fleet: Scorer, here: SiteStudies) -> _Sides:
    flagged = np.array([score.needs_attention for score in scores_of(fleet, here.studies)], dtype=np.bool_)
    parts = strata(flagged, here.numbers, here.failed, here.reviewed.patients)
    each = [part.studies / max(part.reviewed, 1) for part in parts]
    return _Sides(parts, np.where(flagged[here.numbers], each[0], each[1]))


def _corrected(scorer: Scorer, rows: Cohort, seed: int) -> tuple[Adapted | None, str]:
    """The correction of the Dice, or None and why there is none."""
    if not np.isfinite(rows.dice).all():
        return None, WORDS_ONLY
    try:
        return adapt(scorer, rows, seed=seed), ""
    except NoGain as none:
        return None, str(none)


def _failure(scores: Sequence[Score], rows: Cohort, correction: Adapted | None) -> Floats:
    """Probabilities of failure (m,), by a correction without the study's patient; NaN where undefined."""
    failure = _floats([score.failure_probability for score in scores])
    adaptation = None if correction is None else correction.manifest.adaptation
    if correction is None or adaptation is None:
        return failure
    there = np.isfinite(failure)
    predicted = _floats([score.predicted_dice for score in scores])[there]
    fitting = CORRECTIONS[correction.taken]
    errors = left_out_errors(fitting, predicted, rows.dice[there], rows.patients[there])
    as_is = adaptation.model_copy(update={"offset": 0.0, "scale": 1.0})
    failure[there] = adapted(rows.dice[there] - errors, as_is).failure
    return failure


def _verdicts(
    here: SiteStudies, weights: Floats, failure: Floats, wanted: Criterion, before: float
) -> _Verdicts:
    chosen = threshold_here(failure, here.failed, weights, wanted)
    if chosen is None:
        return _Verdicts(None, flags_at(failure, before))
    patients = here.reviewed.patients
    return _Verdicts(chosen, flags_left_out(failure, here.failed, weights, patients, wanted, before))


def _site_reviews(
    scorer: Scorer, here: SiteStudies, sides: _Sides, verdicts: _Verdicts, day: str
) -> SiteReviews:
    failed, flags, patients = here.failed, verdicts.flags, here.reviewed.patients
    weights = sides.weights
    return SiteReviews(
        fleet_sha256=fleet_of(scorer),
        reviews_sha256=here.sha256(),
        reviewed_on=day,
        studies=len(failed),
        patients=len(set(patients.tolist())),
        failed=int(failed.sum()),
        with_dice=sum(review.dice is not None for review in here.reviews),
        flagged=_part(sides.parts[0]),
        passed=_part(sides.parts[1]),
        failure_rate=_share(poststratified(sides.parts)),
        sensitivity=_share(weighted_share(flags[failed], weights[failed], patients[failed])),
        specificity=_share(weighted_share(~flags[~failed], weights[~failed], patients[~failed])),
        threshold_is_from_here=verdicts.threshold is not None,
        fleet_threshold=as_it_was(scorer.manifest).threshold,
    )


def _threshold(chosen: float | None, wanted: Criterion, site: SiteReviews) -> Threshold:
    if chosen is None or site.sensitivity is None or site.specificity is None:
        return site.fleet_threshold
    return Threshold(
        failure_probability=chosen,
        target_sensitivity=wanted.target,
        cost_of_a_miss=wanted.cost,
        cross_validated_sensitivity=site.sensitivity.value,
        cross_validated_specificity=site.specificity.value,
    )


def _part(stratum: Stratum) -> FlagStratum:
    return FlagStratum(studies=stratum.studies, reviewed=stratum.reviewed, failed=stratum.failed)


def _share(share: Share | None) -> ReviewedShare | None:
    return None if share is None else ReviewedShare.model_validate(vars(share))


def _floats(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
