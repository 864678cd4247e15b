"""Made-up cohorts: features that follow the Dice, in sets that share no patient; and their tables."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from segwatch.cohorts.table import Cohort
from segwatch.features.registry import PAPER4


def made_up(patients: int = 36, *, tests: int = 12, gaps: int = 0, seed: int = 7) -> Cohort:
    """Two studies a patient: the first patients in `train`, the last `tests` in `test`.

    `gaps` studies of each set have no smoothness.
    """
    generator = np.random.default_rng(seed)
    n = 2 * patients
    dice = generator.uniform(0.05, 0.95, n)
    noise = generator.normal(0.0, 0.05, (4, n))
    columns = [
        np.round(30 - 25 * dice + 20 * noise[0]),
        -300 - 400 * dice + 500 * noise[1],
        0.3 + 0.5 * dice + noise[2],
        0.6 + 0.4 * dice + noise[3],
    ]
    sets = np.array(["train" if row < 2 * (patients - tests) else "test" for row in range(n)])
    for name in ("train", "test"):
        columns[2][np.flatnonzero(sets == name)[:gaps]] = np.nan
    return Cohort(
        cases=np.array([f"case-{row}" for row in range(n)]),
        patients=np.array([f"patient-{row // 2}" for row in range(n)]),
        sets=sets,
        dice=dice,
        features=PAPER4,
        values=np.stack(columns, axis=1),
    )


def written_cohort(cohort: Cohort, path: Path) -> Path:
    columns = {
        "case": cohort.cases,
        "patient": cohort.patients,
        "set": cohort.sets,
        "dice": cohort.dice,
        **{
            name: pa.array([None if np.isnan(value) else value for value in column])
            for name, column in zip(cohort.features, cohort.values.T, strict=True)
        },
    }
    pyarrow.csv.write_csv(pa.table(columns), path)
    return path
