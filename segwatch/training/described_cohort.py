"""What a manifest says of the cohort that its scorer was trained on: statistics, no row."""

from segwatch.cohorts.table import Cohort
from segwatch.features.registry import CATALOGUE
from segwatch.scoring.bins import failed
from segwatch.scoring.manifest import FeatureStatistics, Figure, Spread, Threshold, TrainingCohort
from segwatch.scoring.predict import Predictions
from segwatch.statistics.figures import figures
from segwatch.statistics.patient_intervals import patient_intervals
from segwatch.statistics.verdicts import judged

LONGEST = 300


def spreads_of(rows: Cohort) -> tuple[Spread, ...]:
    """How each column is spread over the rows."""
    return tuple(
        Spread(
            name=name,
            mean=float(column.mean()),
            sd=float(column.std()) or 1.0,
            low=float(column.min()),
            high=float(column.max()),
        )
        for name, column in zip(rows.features, rows.values.T, strict=True)
    )


def features_of(rows: Cohort) -> tuple[FeatureStatistics, ...]:
    """The features' spreads, with the version and the words of their cards, which scoring cannot look up."""
    described = []
    for spread in spreads_of(rows):
        feature = CATALOGUE[spread.name]
        described.append(
            FeatureStatistics(
                **spread.model_dump(),
                version=feature.version,
                what=_first_sentence(feature.card.what),
                unit=feature.card.unit,
                good=feature.card.good,
            )
        )
    return tuple(described)


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
    verdicts = judged(rows.dice, seen, threshold.failure_probability)
    found = figures(verdicts)
    intervals = patient_intervals(verdicts, rows.patients, resamples=resamples)
    return {
        name: Figure(value=value, low=interval[0], high=interval[1])
        for name, value in found.items()
        if value is not None and (interval := intervals[name]) is not None
    }


def _first_sentence(text: str) -> str:
    whole = " ".join(text.split())
    first = whole.partition(". ")[0].rstrip(".") + "."
    return first if len(first) <= LONGEST else first[: LONGEST - 1] + "…"
