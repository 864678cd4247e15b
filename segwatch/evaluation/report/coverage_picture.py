"""How often a model's intervals hold the true Dice of a set, drawn patient by patient."""

from typing import Any

import numpy as np

from segwatch.evaluation.set_entries import Entry

GREY = "#9a9a9a"


def draw_coverage(panel: Any, entry: Entry, model: str, colour: str) -> None:  # noqa: ANN401
    """The set's patients from the worst on by their covered share, larger where more studies are.

    A line is the plain intervals, dashes the weighted ones, grey the nominal share. `entry` is what
    `report.json` says of the set's intervals.
    """
    panel.axhline(entry["nominal"], color=GREY, linewidth=0.8)
    for style, found in (("-", entry), ("--", entry["weighted"])):
        if found is None or found["covered"] is None:
            continue
        shares = [each["covered"] for each in found["patients"]]
        sizes = [4 + 4 * each["n"] ** 0.5 for each in found["patients"]]
        across = (np.arange(len(shares)) + 0.5) / len(shares)
        label = f"{model} {found['covered']:.2f}{' weighted' if style == '--' else ''}"
        panel.plot(across, shares, color=colour, linewidth=1, linestyle=style, label=label)
        panel.scatter(across, shares, s=sizes, color=colour, alpha=0.6, linewidths=0)
