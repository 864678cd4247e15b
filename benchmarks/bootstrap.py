"""How long 10,000 retrainings of LR take, against scikit-learn in a plain loop.

`python -m benchmarks.bootstrap` draws a made-up cohort of 192 training studies and three test sets of 50, and
computes the paper's bootstrap twice: as `segwatch evaluate` does (a chunk of retrainings at once, chunks in
processes), and with scikit-learn's pipeline fitted and asked once a retraining. The loop does a part of the
retrainings and is scaled up; both compute the same figures. By turns, minima are shown; the ratios are of
processor time, which other work on the machine stretches least. The two agree on the figures' means and
spreads, or it fails.
"""

import argparse
import json
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from segwatch.arrays import Floats
from segwatch.cohorts.table import Cohort
from segwatch.evaluation.bootstrap import POINTS, Chunk, bootstrap, run
from segwatch.evaluation.plan import Plan, plan_of
from segwatch.features.registry import PAPER4
from segwatch.scoring.bins import FAILED_BINS, bin_of, expected_dice, failed
from segwatch.statistics.resampling import FIGURES
from segwatch.training.models import MODELS, fit

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
    """Processor seconds, and sensitivity, AUROC and MAE (retrainings, sets, 3) of scikit-learn in a loop."""
    generator = np.random.default_rng(1)
    rows = [plan.cohort.of_set(name) for name in plan.cohort.set_names]
    out = np.empty((retrainings, len(rows), 3))
    begin = time.process_time()
    for number in range(retrainings):
        drawn = generator.integers(len(plan.train), size=POINTS)
        model = Pipeline([("scale", StandardScaler()), ("model", MODELS["lr"].build(0))])
        model.fit(plan.train.values[drawn], bin_of(plan.train.dice[drawn]))
        for which, each in enumerate(rows):
            shares = np.zeros((len(each), 5))
            shares[:, model.classes_] = model.predict_proba(each.values)
            truly = failed(each.dice)
            out[number, which] = (
                (shares.argmax(axis=1) < FAILED_BINS)[truly].mean(),
                roc_auc_score(truly, shares[:, :FAILED_BINS].sum(axis=1)),
                np.abs(expected_dice(shares) - each.dice).mean(),
            )
    return time.process_time() - begin, out


def ours(plan: Plan, retrainings: int, workers: int) -> tuple[float, float, Floats]:
    """Seconds, and processor seconds, of retrainings in processes started for it; the same three figures."""
    with tempfile.TemporaryDirectory() as folder:
        begin, spent = time.perf_counter(), _processor_seconds()
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
        seconds, spent = time.perf_counter() - begin, _processor_seconds() - spent
    columns = [FIGURES.index(name) for name in ("sensitivity", "auroc", "mae")]
    return seconds, spent, drawn["lr", "points"][:, :, columns]


def alone(plan: Plan, retrainings: int) -> float:
    """Processor seconds of as many retrainings in this process, on one thread: what the solver gains."""
    begin = time.process_time()
    for first in range(0, retrainings, 50):
        run(plan, Chunk("lr", "points", 0, first, 50))
    return time.process_time() - begin


def fits(plan: Plan, model: str) -> float:
    """Processor seconds of one fit of another model, which scikit-learn alone makes: the least of five."""
    spent = []
    for _ in range(5):
        begin = time.process_time()
        fit(MODELS[model], plan.train.values, plan.train.dice)
        spent.append(time.process_time() - begin)
    return min(spent)


def _processor_seconds() -> float:
    """Of this process and of those it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def measure(retrainings: int, workers: int) -> None:
    """Run, compare, print, and keep the figures."""
    plan = plan_of(made_up())
    assert len(set(bin_of(plan.train.dice))) == 5
    loops, singles, wholes, all_spent = [], [], [], []
    for _ in range(ROUNDS):
        with threadpool_limits(1):
            seconds, expected = plain(plan, LOOP)
            loops.append(seconds / LOOP)
            singles.append(alone(plan, LOOP) / LOOP)
        seconds, spent, found = ours(plan, retrainings, workers)
        wholes.append(seconds)
        all_spent.append(spent)
    for moment in (np.mean, np.std):
        # Other draws on either side: within what a loop of that length can tell.
        np.testing.assert_allclose(moment(found, axis=0), moment(expected, axis=0), atol=0.015)
    loop = min(loops) * retrainings
    rows = {
        "machine": f"{os.cpu_count()} cores, {workers} processes",
        "retrainings": retrainings,
        "scikit-learn in a plain loop, processor ms a retraining": round(1e3 * min(loops), 2),
        "batched, one process, processor ms a retraining": round(1e3 * min(singles), 2),
        "the plain loop takes so many times as long": round(min(loops) / min(singles), 1),
        "whole bootstrap, wall s, processes started for it": round(min(wholes), 1),
        "whole bootstrap, processor s": round(min(all_spent), 1),
        "plain loop for as many, scaled up, processor s": round(loop, 1),
        "the plain loop takes so many times as much": round(loop / min(all_spent), 1),
        **{
            f"one fit of {model} by scikit-learn, processor ms": round(1e3 * fits(plan, model), 1)
            for model in MODELS
            if model != "lr"
        },
        "rounds": ROUNDS,
    }
    OUT.write_text(json.dumps(rows, indent=1) + "\n")
    for what, value in rows.items():
        print(f"{what:<58} {value}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--retrainings", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    measure(given.retrainings, given.workers)
