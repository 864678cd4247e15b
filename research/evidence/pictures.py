"""The pictures of `docs/evidence.md`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure as Canvas

from research.evidence.feature_worth import Worth
from segwatch.arrays import Floats
from segwatch.contracts.quality import FAILED_BELOW
from segwatch.statistics.verdicts import Judged

INK, ACCENT, PALE = "#1f3b57", "#c8553d", "#9fb3c8"


def draw_cohort(dice: Floats, seen: Floats, external: Floats, path: Path) -> None:
    """Histogram of true Dice: rows of unseen patients, of seen ones, and the external set."""
    canvas = Canvas(figsize=(7, 3), layout="constrained")
    axes = canvas.subplots()
    edges = np.linspace(0, 1, 21).tolist()
    parts = [dice[seen == 0], dice[seen == 1], external]
    labels = ["network had not seen the patient", "network had", "published masks"]
    axes.hist(parts, edges, stacked=True, color=[INK, PALE, ACCENT], label=labels)
    axes.axvline(FAILED_BELOW, color="black", linewidth=0.8, linestyle="--")
    axes.set(xlabel="true Dice", ylabel="masks", xlim=(0, 1))
    axes.legend(frameon=False, fontsize=8)
    _save(canvas, path)


def draw_scorers(judged: Sequence[tuple[str, Judged]], path: Path) -> None:
    """Predicted against true Dice, a panel a scorer."""
    canvas = Canvas(figsize=(4 * len(judged), 3.8), layout="constrained")
    for axes, (title, one) in zip(np.atleast_1d(canvas.subplots(1, len(judged))), judged, strict=True):
        colours = np.where(one.flagged, ACCENT, INK)
        axes.scatter(one.dice, one.predicted, s=8, c=colours, alpha=0.6, linewidths=0)
        axes.plot([0, 1], [0, 1], color="black", linewidth=0.6)
        axes.axvline(FAILED_BELOW, color="black", linewidth=0.8, linestyle="--")
        axes.set(title=title, xlabel="true Dice", ylabel="predicted Dice", xlim=(0, 1), ylim=(0, 1))
        axes.title.set_fontsize(9)
    canvas.suptitle("red: flagged as failed", fontsize=8)
    _save(canvas, path)


def draw_worth(groups: Sequence[Worth], path: Path) -> None:
    """What leaving out each group adds to the error."""
    canvas = Canvas(figsize=(7, 3), layout="constrained")
    axes = canvas.subplots()
    places = np.arange(len(groups))
    harms = np.array([each.harm for each in groups])
    reach = np.abs(harms[:, 1:] - harms[:, :1]).T
    axes.barh(places, harms[:, 0], xerr=reach, color=INK, ecolor=ACCENT, height=0.6)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(places, [each.name for each in groups])
    axes.invert_yaxis()
    axes.set_xlabel("added to the mean absolute error when left out, 95 % interval")
    _save(canvas, path)


def _save(canvas: Canvas, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.savefig(path, dpi=100, metadata={"Software": None})
