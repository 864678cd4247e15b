"""Trains each recipe's network of each fold, in several processes. Those that are kept stay as they are."""

import contextlib
import io
import multiprocessing
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from research.covid20_cohort.covid20 import Listed, read_scan
from research.covid20_cohort.measured_row import hounsfield, product_lung
from research.covid20_cohort.setup import Context
from research.covid20_cohort.training import (
    NetworkRecipe,
    Planes,
    State,
    planes_of,
    seconds_a_step,
    train,
)
from segwatch.files import write_whole
from segwatch.processes import results

TELL_SECONDS = 0.5


def train_networks(context: Context, workers: int, stepped: Callable[[int], None]) -> None:
    """Train each recipe's network of each fold, but those that are there, in several processes.

    A fold's network learns from the patients of all other folds.

    Args:
        context: what is made.
        workers: processes; 0 is one a core.
        stepped: called now and then with the steps that are done.
    """
    context.folder.mkdir(parents=True, exist_ok=True)
    tasks = _tasks(context)
    # The slowest first, so that no process is left with one at the end.
    tasks.sort(key=lambda task: -task[0].stages[-1])
    steps = multiprocessing.get_context("spawn").Value("q", 0)
    with _reporting(lambda: steps.value, stepped):
        for _ in results(_train, (context, steps), tasks, workers, alone_seconds=0):
            pass


def training_seconds(context: Context, workers: int) -> float:
    """How long training will take by the clock, by some steps on the first scan; 0 where all is there."""
    missing = [task for task in _tasks(context) if not context.network_file(*task).is_file()]
    if not missing:
        return 0.0
    torch.set_num_threads(1)
    seconds = sum(
        folds * recipe.stages[-1] * seconds_a_step(recipe, _by_patient(context.cases[:1], recipe.reduced)[0])
        for recipe, folds in Counter(recipe for recipe, _ in missing).items()
    )
    return seconds / min(workers or os.cpu_count() or 1, len(missing))


def _tasks(context: Context) -> list[tuple[NetworkRecipe, int]]:
    return [(recipe, number) for recipe in context.setup.recipes for number in range(context.setup.folds)]


def _train(given: tuple[Context, Any], task: tuple[NetworkRecipe, int]) -> None:
    context, steps = given
    recipe, number = task
    path = context.network_file(recipe, number)
    if path.is_file():
        done = recipe.stages[-1]
    else:
        done = 0
        torch.set_num_threads(1)
        fold = context.fold
        learnt = [case for case in context.cases if fold[case.patient] != number]
        _save(path, train(recipe, _by_patient(learnt, recipe.reduced), lambda: _count(steps, 1)))
    _count(steps, done)


def _count(steps: Any, more: int) -> None:  # noqa: ANN401 - a Synchronized of ctypes
    with steps.get_lock():
        steps.value += more


@contextlib.contextmanager
def _reporting(read: Callable[[], int], stepped: Callable[[int], None]) -> Iterator[None]:
    """Tells what is read now and then, and once more at the end."""
    ended = threading.Event()

    def report() -> None:
        while not ended.wait(TELL_SECONDS):
            stepped(read())

    thread = threading.Thread(target=report)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        stepped(read())


def _by_patient(cases: Sequence[Listed], reduced: int) -> list[list[Planes]]:
    """Each patient's scans as planes."""
    planes: dict[str, list[Planes]] = {}
    for case in cases:
        scan = read_scan(case)
        lung = product_lung(hounsfield(scan), scan.spacing)
        planes.setdefault(case.patient, []).append(planes_of(scan.levels, scan.truth, lung, reduced))
    return list(planes.values())


def _save(path: Path, states: dict[int, State]) -> None:
    buffer = io.BytesIO()
    torch.save(states, buffer)
    write_whole(path, buffer.getvalue())
