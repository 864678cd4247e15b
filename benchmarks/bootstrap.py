"""How long 10,000 retrainings of LR take, against scikit-learn in a plain loop.

`python -m benchmarks.bootstrap` draws a made-up cohort of 192 training studies and three test sets of 50, and
computes the paper's bootstrap twice: as `segwatch evaluate` does (a chunk of retrainings at once, chunks in
processes), and with scikit-learn's pipeline fitted and asked once a retraining. The loop does a part of the
retrainings and is scaled up; both compute the same figures. By turns, minima are shown, since other work on
the machine comes and goes. The two agree on the figures' means and spreads, or it fails.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from services.evaluation.batch import FIGURES
from services.evaluation.bootstrap import bootstrap
from services.evaluation.cohort import Cohort
from services.evaluation.models import MODELS, fit
from services.evaluation.plan import Plan, plan_of
from services.evaluation.replicates import POINTS, Chunk, run
from services.features.registry import PAPER4
from services.scoring.bins import Floats, bin_of, expected_dice, failed

ROUNDS = 3
LOOP = 300
OUT = Path(__file__).with_name("bootstrap.json")


def made_up(seed: int = 0) -> Cohort:
    """192 studies of `train` and 50 of each of three test sets, features that follow the Dice."""
    generator = np.random.default_rng(seed)
    n = POINTS + 150
    dice = generator.beta(3, 2, n)
    noise = generator.normal(size=(4, n)) * np.array([[6.0], [90.0], [0.1], [0.08]])
    means = np.stack([25 - 20 * dice, -250 - 350 * dice, 0.35 + 0.5 * dice, 0.75 + 0.25 * dice])
    sets = np.array(["train"] * POINTS + ["id"] * 50 + ["ood"] * 50 + ["far"] * 50)
    names = np.array([f"p{number}" for number in range(n)])
    return Cohort(names, names, sets, dice, PAPER4, (means + noise).T)


def plain(plan: Plan, retrainings: int) -> tuple[float, Floats]:
    """Seconds, and sensitivity, AUROC and MAE (retrainings, sets, 3) of scikit-learn in a loop."""
    generator = np.random.default_rng(1)
    rows = [plan.cohort.of_set(name) for name in plan.sets]
    out = np.empty((retrainings, len(rows), 3))
    begin = time.perf_counter()
    for number in range(retrainings):
        drawn = generator.integers(len(plan.train), size=POINTS)
        model = fit(MODELS["lr"], plan.train.values[drawn], plan.train.dice[drawn])
        for which, each in enumerate(rows):
            shares = np.zeros((len(each), 5))
            shares[:, model.classes_] = model.predict_proba(each.values)
            truly = failed(each.dice)
            out[number, which] = (
                (shares.argmax(axis=1) < 3)[truly].mean(),
                roc_auc_score(truly, shares[:, :3].sum(axis=1)),
                np.abs(expected_dice(shares) - each.dice).mean(),
            )
    return time.perf_counter() - begin, out


def ours(plan: Plan, retrainings: int, workers: int) -> tuple[float, Floats]:
    """Seconds of so many retrainings in processes, started for it, and the same three figures."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        drawn = bootstrap(
            plan,
            ["lr"],
            retrainings,
            seed=0,
            workers=workers,
            parts=Path(folder),
            done=lambda _: None,
            ways=("points",),
        )
        seconds = time.perf_counter() - begin
    columns = [FIGURES.index(name) for name in ("sensitivity", "auroc", "mae")]
    return seconds, drawn["lr", "points"][:, :, columns]


def alone(plan: Plan, retrainings: int) -> float:
    """Seconds of as many retrainings in this process, on one thread: what the solver itself gains."""
    begin = time.perf_counter()
    for first in range(0, retrainings, 50):
        run(plan, Chunk("lr", "points", 0, first, 50))
    return time.perf_counter() - begin


def measure(retrainings: int, workers: int) -> None:
    """Run, compare, print, and keep the figures."""
    plan = plan_of(made_up())
    assert len(set(bin_of(plan.train.dice))) == 5
    loops, singles, wholes = [], [], []
    for _ in range(ROUNDS):
        with threadpool_limits(1):
            seconds, expected = plain(plan, LOOP)
            loops.append(seconds / LOOP)
            singles.append(alone(plan, LOOP) / LOOP)
        seconds, found = ours(plan, retrainings, workers)
        wholes.append(seconds)
    for moment in (np.mean, np.std):
        # Other draws on either side: within what a loop of that length can tell.
        np.testing.assert_allclose(moment(found, axis=0), moment(expected, axis=0), atol=0.015)
    rows = {
        "machine": f"{os.cpu_count()} cores, {workers} processes",
        "retrainings": retrainings,
        "scikit-learn in a plain loop, one retraining (ms)": round(1e3 * min(loops), 2),
        "batched, one process, one retraining (ms)": round(1e3 * min(singles), 2),
        "ratio of the two": round(min(loops) / min(singles), 1),
        "the whole bootstrap, processes started (s)": round(min(wholes), 1),
        "the plain loop for as many, scaled up (s)": round(min(loops) * retrainings, 1),
        "ratio of the two wholes": round(min(loops) * retrainings / min(wholes), 1),
        "rounds": ROUNDS,
    }
    OUT.write_text(json.dumps(rows, indent=1) + "\n")
    for what, value in rows.items():
        print(f"{what:<52} {value}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--retrainings", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    measure(given.retrainings, given.workers)
