"""The bootstrap: every chunk of retrainings in parallel, kept on disk until the report is written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from segwatch.contracts.identity import digest_of
from segwatch.evaluation import replicates
from segwatch.evaluation.replicates import WAYS, Chunk
from segwatch.evaluation.splits import Plan
from segwatch.processes import results
from segwatch.scoring.bins import Floats
from segwatch.training.models import EVERY

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
    parts.mkdir(parents=True, exist_ok=True)
    origin = digest_of(
        [plan.cohort.sha256(), plan.leave_patient_out, {name: EVERY[name].title for name in models}]
    )
    wanted = [
        chunk for model in models for way in ways for chunk in replicates.chunks(model, way, seed, count)
    ]
    found: dict[Chunk, Floats] = {}
    for chunk in wanted:
        kept = _read(_file(parts, origin, chunk))
        if kept is not None:
            found[chunk] = kept
            done(chunk.count)
    missing = [chunk for chunk in wanted if chunk not in found]
    for chunk, figures in results(replicates.run, plan, missing, workers):
        _keep(_file(parts, origin, chunk), figures)
        found[chunk] = figures
        done(chunk.count)
    return {
        (model, way): np.concatenate([found[chunk] for chunk in replicates.chunks(model, way, seed, count)])
        for model in models
        for way in ways
        if count
    }


def _file(parts: Path, origin: str, chunk: Chunk) -> Path:
    return parts / f"{digest_of([origin, asdict(chunk)])}.npy"


def _read(file: Path) -> Floats | None:
    try:
        return np.asarray(np.load(file, allow_pickle=False), dtype=np.float64)
    except (OSError, ValueError):
        return None


def _keep(file: Path, figures: Floats) -> None:
    beside = file.with_suffix(".tmp")
    with beside.open("wb") as stream:
        np.save(stream, figures)
    beside.replace(file)
