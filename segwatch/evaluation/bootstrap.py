"""The bootstrap: every chunk of retrainings in parallel, kept on disk until the report is written."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from segwatch.contracts.identity import digest_of
from segwatch.evaluation import replicates
from segwatch.evaluation.replicates import WAYS, Chunk
from segwatch.evaluation.splits import Plan
from segwatch.files import Arrays, finished_arrays
from segwatch.processes import results
from segwatch.scoring.bins import Floats
from segwatch.training.models import EVERY

FIGURES = "figures"
Drawn = Mapping[tuple[str, str], Floats]
"""For each model and way the figures (replicates, sets, figures)."""


def bootstrap(
    plan: Plan,
    models: Sequence[str],
    count: int,
    *,
    seed: int,
    workers: int,
    parts: Path,
    done: Callable[[int], None],
    ways: Sequence[str] = WAYS,
) -> Drawn:
    """All retrainings of the models, in both ways.

    Args:
        plan: what is learnt from and predicted. models: names. count: retrainings of each in each way.
        seed: of all draws. workers: processes, 0 is one a core; the figures do not depend on it.
        parts: folder in which finished chunks are kept, so that a second start goes on.
        done: called with the number of retrainings that were finished. ways: of drawing.
    """
    origin = digest_of(
        [plan.cohort.sha256(), plan.leave_patient_out, {name: EVERY[name].title for name in models}]
    )
    wanted = [
        chunk for model in models for way in ways for chunk in replicates.chunks(model, way, seed, count)
    ]
    finished = finished_arrays(parts).resume(
        wanted, lambda chunk: digest_of([origin, asdict(chunk)]), lambda missing: _run(plan, missing, workers)
    )
    found: dict[Chunk, Floats] = {}
    for chunk, arrays in finished:
        found[chunk] = arrays[FIGURES]
        done(chunk.count)
    return {
        (model, way): np.concatenate([found[chunk] for chunk in replicates.chunks(model, way, seed, count)])
        for model in models
        for way in ways
        if count
    }


def _run(plan: Plan, chunks: Sequence[Chunk], workers: int) -> Iterator[tuple[Chunk, Arrays]]:
    for chunk, figures in results(replicates.run, plan, chunks, workers):
        yield chunk, {FIGURES: figures}
