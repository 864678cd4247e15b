"""What a manifest says of the training rows: counts, spreads and figures, no row of them."""

from segwatch.cohorts.table import Cohort
from segwatch.errors import RefusedCohort
from segwatch.features.registry import CATALOGUE
from segwatch.scoring.bins import failed
from segwatch.scoring.columns import ColumnStatistics, FeatureStatistics
from segwatch.scoring.predict import Predictions
from segwatch.scoring.threshold import Threshold
from segwatch.scoring.training_results import Figure, TrainingCohort
from segwatch.statistics.figures import figures
from segwatch.statistics.resampling import patient_intervals
from segwatch.statistics.verdicts import served

LONGEST = 300
"""Letters of a feature's description in a manifest."""


def spreads_of(rows: Cohort) -> tuple[ColumnStatistics, ...]:
    """How each column is spread over the rows."""
    return tuple(
        ColumnStatistics(
            name=name,
            mean=float(column.mean()),
            sd=float(column.std()) or 1.0,
            low=float(column.min()),
            high=float(column.max()),
        )
        for name, column in zip(rows.features, rows.values.T, strict=True)
    )


def check_spread(rows: Cohort) -> None:
    """Nothing, where all that the model reads varies: a term may, of which one feature does not.

    Raises:
        RefusedCohort: names the column that does not.
    """
    constant = [name for name, sd in zip(rows.features, rows.values.std(axis=0), strict=True) if not sd > 0]
    if constant:
        raise RefusedCohort(f"the feature {constant[0]} is the same in every training row: leave it out")


def features_of(rows: Cohort) -> tuple[FeatureStatistics, ...]:
    """The features' spreads, with the version and the words of their cards, which scoring cannot look up."""
    return tuple(
        FeatureStatistics(
            **spread.model_dump(),
            version=CATALOGUE[spread.name].version,
            what=_first_sentence(card.what),
            unit=card.unit,
            good=card.good,
        )
        for spread in spreads_of(rows)
        for card in (CATALOGUE[spread.name].card,)
    )


def cohort_of(chosen: Cohort, rows: Cohort) -> TrainingCohort:
    """Counts and the hash of the training rows `chosen`, of which `rows` have all features."""
    return TrainingCohort(
        sha256=chosen.sha256(),
        studies=len(rows),
        patients=len(set(rows.patients.tolist())),
        failed=int(failed(rows.dice).sum()),
        left_out_undefined=len(chosen) - len(rows),
        mean_dice=float(rows.dice.mean()),
    )


def figures_of(rows: Cohort, seen: Predictions, threshold: Threshold, resamples: int) -> dict[str, Figure]:
    """The figures of the training rows out of fold, with intervals; nothing where nothing is resampled."""
    if not resamples:
        return {}
    judged = served(rows.dice, seen, threshold.failure_probability)
    found = figures(judged)
    intervals = patient_intervals(judged, rows.patients, resamples=resamples)
    return {
        name: Figure(value=value, low=interval[0], high=interval[1])
        for name, value in found.items()
        if value is not None and (interval := intervals[name]) is not None
    }


def _first_sentence(text: str) -> str:
    whole = " ".join(text.split())
    first = whole.partition(". ")[0].rstrip(".") + "."
    return first if len(first) <= LONGEST else first[: LONGEST - 1] + "…"
