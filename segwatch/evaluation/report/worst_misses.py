"""The four-feature figure of the studies that a scorer misjudged most, drawn from their images."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from segwatch.cohorts.table import Cohort
from segwatch.errors import Unprocessable
from segwatch.features.figure import draw
from segwatch.features.measuring import measure_scene
from segwatch.features.registry import CATALOGUE, PAPER4
from segwatch.features.scene import Scene
from segwatch.scoring.bins import failed
from segwatch.statistics.verdicts import Judged

SHOWN = 3


def worst(judged: Judged) -> list[int]:
    """The rows whose Dice was overestimated most: missed failures first, then other studies; at most three.

    An undefined study is no miss: it was flagged.
    """
    over = np.where(np.isnan(judged.predicted), -np.inf, judged.predicted - judged.dice)
    missed = failed(judged.dice) & ~judged.flagged
    order = np.lexsort((-over, ~missed))
    return [int(row) for row in order[:SHOWN] if over[row] > 0]


def draw_misses(
    model: str, judged: Judged, cohort: Cohort, scene_of: Callable[[str], Scene], out: Path
) -> tuple[list[tuple[str, str]], list[str]]:
    """Write a figure for each of the worst misses; their file names and titles, and what could not be drawn.

    Args:
        model: whose judgement it is. judged: of the cohort's rows.
        scene_of: a case as it was measured, its CT whole. out: folder of the pictures.
    """
    drawn, notes = [], []
    for number, row in enumerate(worst(judged), start=1):
        case = str(cohort.cases[row])
        name = f"miss_{number}.png"
        title = (
            f"Worst misses of {model}, {number}: {case} ({cohort.sets[row]}), "
            f"true Dice {judged.dice[row]:.2f}, predicted {judged.predicted[row]:.2f}"
        )
        try:
            scene = scene_of(case)
            draw(scene, measure_scene(scene, [CATALOGUE[each] for each in PAPER4]), out / name)
        except (Unprocessable, OSError) as error:
            notes.append(f"The figure of the case {case} could not be drawn: {error}.")
        else:
            drawn.append((name, title))
    return drawn, notes
