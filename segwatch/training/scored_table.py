"""The scores of a table's studies, as the services would give them."""

from dataclasses import dataclass

import numpy as np

from segwatch.cohorts.opinions import model_named
from segwatch.cohorts.table import Cohort
from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.studies import Ensemble, MeasureStatus
from segwatch.scoring.bundle import Scorer
from segwatch.scoring.explain import WITHIN
from segwatch.scoring.score import Score, score
from segwatch.training.judge import check_versions
from segwatch.training.opinion import ensemble_of

NO_VALUE = "no_value: the table's cell is empty"


@dataclass(frozen=True)
class _Row:
    """A row as `segwatch.scoring.score` reads it: measured as the scorer expects, since no table says how."""

    features: dict[str, float | None]
    undefined: dict[str, str]
    status: MeasureStatus
    profile: str
    components: str
    feature_versions: dict[str, int]
    opinion: ModelIdentity | None
    ensemble: Ensemble | None


def scores_of(scorer: Scorer, studies: Cohort) -> list[Score]:
    """The score of each row.

    Args:
        studies: with the features that the scorer reads; the share within the lung is looked at too if it is
            there.

    Raises:
        RefusedCohort: a column is missing, or is another version of the feature than the scorer's.
    """
    check_versions(scorer.manifest)
    wanted = scorer.manifest.feature_names
    beside = (WITHIN,) if WITHIN in studies.features and WITHIN not in wanted else ()
    less = scorer.without_opinion
    more = () if less is None else less.manifest.feature_names
    rows = studies.select(tuple(dict.fromkeys((*wanted, *beside, *more))))
    return [score(_row(scorer, rows, values.tolist()), scorer) for values in rows.values]


def _row(scorer: Scorer, rows: Cohort, values: list[float]) -> _Row:
    names = rows.features
    features = {name: None if np.isnan(value) else value for name, value in zip(names, values, strict=True)}
    undefined = {name: NO_VALUE for name, value in features.items() if value is None}
    measured = scorer.manifest.measured
    return _Row(
        features,
        undefined,
        "partly_undefined" if undefined else "measured",
        measured.profile,
        measured.components,
        {feature.name: feature.version for feature in scorer.manifest.features},
        model_named(rows.opinion),
        ensemble_of(rows),
    )
