"""What quality is counted in: bins of Dice, what failed means, a portrait's cells, and what one study moves.

One truth each, for whoever scores, releases or shows. Edges are left-closed: a Dice on an edge belongs to the
better bin.
"""

from itertools import pairwise

BIN_EDGES = (0.2, 0.4, 0.6, 0.8)
BIN_MIDPOINTS = (0.1, 0.3, 0.5, 0.7, 0.9)
BINS = len(BIN_MIDPOINTS)
FAILED_BELOW = 0.6
"""A mask whose Dice is below it has failed (docs/architecture.md, the scorers)."""
FAILED_BINS = BIN_EDGES.index(FAILED_BELOW) + 1

HISTOGRAM_CELLS = (
    *(f"{low}-{high}" for low, high in pairwise((0.0, *BIN_EDGES, 1.0))),
    "undefined",
    "outside",
)
"""The seven cells of a portrait: five bins of predicted Dice, undefined, outside what the scorer knows."""
UNDEFINED_CELL, OUTSIDE_CELL = BINS, BINS + 1

COUNT_SENSITIVITY = 1
"""By how much the contents of one study's slot can change the number that needs attention."""
HISTOGRAM_SENSITIVITY = 2
"""The same of the histogram, in L1: one cell loses the study, another gains it."""

OPINION = ("second_opinion_dice", "second_opinion_precision", "second_opinion_recall")
"""The features that need a second model's mask. They travel whole: a study has all three or none of them."""
AGREEMENT = "fold_agreement"
"""The feature that means another thing for folds than for seeds."""
