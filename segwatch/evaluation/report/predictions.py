"""What each model said of each study, as a table: it stays where the cohort is."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from segwatch.cohorts.table import Cohort
from segwatch.files import whole_file
from segwatch.statistics.figures import Judged


def write_predictions(path: Path, cohort: Cohort, judged: Mapping[str, Judged]) -> None:
    """Write a row for each model and study: true and predicted Dice, bin (0 to 4), verdict, failure score.

    Predicted Dice and score are empty where the study is undefined.
    """
    tables = [_of(cohort, model, made) for model, made in judged.items()]
    with whole_file(path) as beside:
        pyarrow.csv.write_csv(pa.concat_tables(tables), beside)


def _of(cohort: Cohort, model: str, made: Judged) -> pa.Table:
    undefined = np.isnan(made.predicted)
    return pa.table(
        {
            "model": [model] * len(cohort),
            "case": cohort.cases.tolist(),
            "patient": cohort.patients.tolist(),
            "set": cohort.sets.tolist(),
            "dice": cohort.dice,
            "predicted_dice": pa.array(made.predicted, mask=undefined),
            "predicted_bin": made.bins,
            "predicted_failed": made.flagged,
            "failure_score": pa.array(made.score, mask=undefined),
        }
    )
