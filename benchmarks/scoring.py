"""What scoring one study costs: the whole of `score`, against plain scikit-learn's predict of the same model.

    python -m benchmarks.scoring [--studies 400]

Each scorer is trained on a made-up cohort of 600 studies, saved and loaded as the service does, so sizes are
those of a real one. `score` is message in, message out: checks, terms, model, calibration, what the Dice
would be with each feature at the training mean, distance to the cohort, reasons. The baselines do a part:
`predict` is scikit-learn's own on one row; `plain loop` calls it once for the study and once for each of its
features, which is what the reasons need. Times are medians over studies, one thread, in ms.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import numpy as np
from threadpoolctl import threadpool_limits

from segwatch.arrays import Floats
from segwatch.cohorts.table import Cohort
from segwatch.contracts.studies import StudyMeasured
from segwatch.features.registry import MEASURED
from segwatch.scoring.bundle import Scorer, load, save
from segwatch.scoring.score import scored_study
from segwatch.scoring.terms import columns
from segwatch.training.feature_sets import feature_set
from segwatch.training.models import EVERY, fit
from segwatch.training.train import Choices, train

WAYS = (
    ("lr", "paper4"),
    ("svm", "paper4"),
    ("rr", "paper4"),
    ("svr", "paper4"),
    ("mlp", "paper4"),
    ("ordinal", "wide"),
    ("trees", "wide"),
    ("boost", "wide"),
)


def made_up(studies: int = 600) -> Cohort:
    """Every measured feature, all following the Dice with noise."""
    generator = np.random.default_rng(0)
    dice = generator.uniform(0.02, 0.98, studies)
    values = np.clip(dice[:, None] + generator.normal(0, 0.1, (studies, len(MEASURED))), 0.01, 0.99)
    rows = np.arange(studies)
    return Cohort(
        np.char.add("case-", rows.astype(str)),
        np.char.add("patient-", (rows // 20).astype(str)),
        np.full(studies, "train"),
        dice,
        MEASURED,
        values,
    )


def message(values: Floats) -> StudyMeasured:
    """A study as it comes from features."""
    return StudyMeasured(
        study="a" * 32,
        patient="b" * 32,
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
        ct_unit="hu",
        lesion_source="nnunet",
        lung_method="lungmask",
        model=None,
        status="measured",
        features=dict(zip(MEASURED, map(float, values), strict=True)),
        undefined={},
        profile="paper",
        components="26",
    )


def bundle(cohort: Cohort, model: str, features: str) -> Scorer:
    """Trained, saved and loaded again."""
    trained = train(cohort, model, features, choices=Choices(resamples=0))
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder), trained.skops, trained.manifest, "made by benchmarks/scoring.py\n")
        return load(Path(folder))


def milliseconds(work: Callable[[int], object], times: int) -> float:
    """The median time of one call."""
    spent = []
    for number in range(times):
        start = time.perf_counter()
        work(number)
        spent.append(1000 * (time.perf_counter() - start))
    return median(spent)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=400)
    studies = parser.parse_args().studies
    cohort = made_up()
    print(
        "| scorer | `score`, whole study | scikit-learn `predict`, one row | plain loop over the features |"
    )
    print("|---|---|---|---|")
    with threadpool_limits(1):
        for model, features in WAYS:
            print(line(cohort, model, features, studies), flush=True)


def line(cohort: Cohort, model: str, features: str, studies: int) -> str:
    """One scorer's row of the table."""
    scorer = bundle(cohort, model, features)
    messages = [message(row) for row in cohort.values]
    wanted = feature_set(features)
    rows = wanted.prepare(cohort)
    plain = fit(EVERY[model], rows.values, rows.dice, directions=wanted.directions)
    many = range(1 + len(wanted.features))
    raw = cohort.select(wanted.features).values

    def alone(number: int) -> None:
        plain.predict(columns(wanted.terms, wanted.features, raw[[number % len(raw)]]))

    def looped(number: int) -> None:
        for _ in many:
            alone(number)

    whole = milliseconds(lambda number: scored_study(messages[number % len(messages)], scorer), studies)
    one = milliseconds(alone, studies)
    loop = milliseconds(looped, max(studies // 20, 10))
    return (
        f"| {model} on {features} ({len(wanted.features)} features) | {whole:.2f} | {one:.2f} | {loop:.2f} |"
    )


if __name__ == "__main__":
    main()
