"""What privacy costs: the error of the failure rate and of the mean Dice, by block size and epsilon.

`python -m benchmarks.privacy_cost` closes many blocks of made-up studies by the code that closes a hospital's
blocks, with its noise, and holds what leaves against the exact figures of the same studies. It writes
`privacy_cost.md` and `privacy_cost.png` beside itself. What a release has to beat is the error of somebody
who gets none and guesses the site's long-run figure for every block.
"""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from segwatch.aggregation.mechanism.example_study import example_study
from segwatch.aggregation.mechanism.figures import BlockName, figures
from segwatch.aggregation.mechanism.noise import draw
from segwatch.aggregation.mechanism.slots import Due, Kind, Slot
from segwatch.contracts.ledger import CountedStudy
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.release import Portrait, Pulse
from segwatch.contracts.studies import StudyScored
from segwatch.federation.dice import mean_dice
from segwatch.federation.share import share_of
from segwatch.statistics.laplace import variance

HERE = Path(__file__).parent
NOW = datetime(2026, 1, 5, tzinfo=UTC)
EPSILONS = (0.1, 0.25, 0.5, 1.0)
PULSES = (20, 50, 100, 200, 500)
PORTRAITS = (100, 200, 500, 1000)
SITES = {"a good site, 18 % failing": 0.18, "a shifted site, 74 % failing": 0.74}
"""The shares of the paper's own site, and of its shift to another scanner."""
WINDOW = 3
"""Pulses in federation's rolling window."""
POOL = 5000
RESAMPLED = 400
Row = dict[str, Any]


@dataclass(frozen=True)
class Errors:
    """Errors of many blocks, and those of the guess."""

    released: np.ndarray
    guessed: np.ndarray


def site(failing: float, chance: np.random.Generator) -> list[Slot]:
    """Studies of a site: predicted Dice beyond 0.6 by Beta(2, 2) where it is good, below by Beta(2, 1.5)."""
    slots = []
    for number in range(POOL):
        fails = chance.random() < failing
        dice = float(0.6 * chance.beta(2, 1.5) if fails else 0.6 + 0.4 * chance.beta(2, 2))
        study = example_study(f"{number:032x}", dice, NOW)
        slots.append(Slot(CountedStudy(study=study.study, patient=study.patient, ordinal=1), study))
    return slots


def blocks_of(
    slots: Sequence[Slot], kind: Kind, k: int, epsilon: float, number: int, chance: np.random.Generator
) -> list[tuple[list[StudyScored], Pulse | Portrait]]:
    """Blocks of k studies drawn from the site's, as they would leave."""
    pulse = k if kind == "pulse" else 20
    policy = SitePolicy(
        version="1",
        pulse_studies=pulse,
        portrait_studies=max(k, 100) if kind == "portrait" else pulse * math.ceil(100 / pulse),
        epsilon_count=epsilon,
        epsilon_histogram=epsilon,
    )
    found = []
    for index in range(number):
        drawn = [slots[place] for place in chance.integers(0, POOL, k)]
        block = figures(BlockName("benchmark", 1, index), Due(kind, tuple(drawn)), policy, draw, NOW)
        found.append(([slot.scored for slot in drawn if slot.scored is not None], block))
    return found


def rate_row(slots: Sequence[Slot], k: int, epsilon: float, number: int, chance: np.random.Generator) -> Row:
    """The failure rate of pulses."""
    blocks = blocks_of(slots, "pulse", k, epsilon, number, chance)
    exact = np.array([sum(s.needs_attention for s in studies) / k for studies, _ in blocks])
    counts = [block.needs_attention for _, block in blocks if isinstance(block, Pulse)]
    long_run = np.mean([slot.scored.needs_attention for slot in slots if slot.scored is not None])
    errors = Errors(np.array(counts) / k - exact, long_run - exact)
    sizes = [k] * WINDOW
    widths = [
        [(s := share_of(each, sizes, [spent] * WINDOW)).high - s.low for each in windows]
        for spent, windows in (
            (epsilon, _windows(counts)),
            (50.0, _windows([round(share * k) for share in exact])),
        )
    ]
    noised, plain = (float(np.median(each)) for each in widths)
    return {
        "k": k,
        "epsilon": epsilon,
        **_errors(errors, chance),
        "noise alone, by its mass": math.sqrt(variance(1 / epsilon)) / k,
        f"interval of {WINDOW} pulses": f"{noised:.2f} wide ({plain:.2f} without noise)",
    }


def dice_row(slots: Sequence[Slot], k: int, epsilon: float, number: int, chance: np.random.Generator) -> Row:
    """The mean predicted Dice of portraits, as federation derives it."""
    blocks = blocks_of(slots, "portrait", k, epsilon, number, chance)
    exact = np.array([np.mean([s.predicted_dice for s in studies]) for studies, _ in blocks])
    told = [mean_dice(block.histogram, epsilon) for _, block in blocks if isinstance(block, Portrait)]
    long_run = np.mean([slot.scored.predicted_dice for slot in slots if slot.scored is not None])
    shown = [(mean.mean, truth) for mean, truth in zip(told, exact, strict=True) if mean.mean is not None]
    middle = [_by_midpoints(studies) - truth for (studies, _), truth in zip(blocks, exact, strict=True)]
    errors = Errors(np.array([mean - truth for mean, truth in shown]), long_run - exact)
    return {
        "k": k,
        "epsilon": epsilon,
        **_errors(errors, chance),
        "midpoints alone": float(np.sqrt(np.mean(np.square(middle)))),
        "interval": f"{np.median([m.high - m.low for m in told]):.2f} wide",
        "none to show": f"{1 - len(shown) / len(told):.0%}",
    }


def _windows(counts: Sequence[int]) -> list[list[int]]:
    """Windows that share no pulse; a hundred say enough of a median."""
    return [list(counts[start : start + WINDOW]) for start in range(0, min(len(counts), 300), WINDOW)]


def _by_midpoints(studies: Sequence[StudyScored]) -> float:
    bins = [min(int((study.predicted_dice or 0.0) * 5), 4) for study in studies]
    return float(np.mean([(2 * cell + 1) / 10 for cell in bins]))


def _errors(errors: Errors, chance: np.random.Generator) -> Row:
    """Root mean square with its 95 % interval by resampling blocks, the 95th percentile, and the guess's."""
    squares = np.square(errors.released)
    again = chance.integers(0, len(squares), (RESAMPLED, len(squares)))
    low, high = np.quantile(np.sqrt(squares[again].mean(axis=1)), [0.025, 0.975])
    rms = float(np.sqrt(squares.mean()))
    return {
        "error": rms,
        "95 % interval of it": f"{low:.4f} to {high:.4f}",
        "19 of 20 within": float(np.quantile(np.abs(errors.released), 0.95)),
        "long-run guess": float(np.sqrt(np.square(errors.guessed).mean())),
    }


Measure = Callable[[Sequence[Slot], int, float, int, np.random.Generator], Row]
TABLES: dict[str, tuple[Measure, tuple[int, ...]]] = {
    "Failure rate of a pulse": (rate_row, PULSES),
    "Mean predicted Dice of a portrait": (dice_row, PORTRAITS),
}


def measure(number: int, seed: int) -> dict[tuple[str, str], list[Row]]:
    """Every table's rows, by table and site."""
    found: dict[tuple[str, str], list[Row]] = {}
    for name, failing in SITES.items():
        chance = np.random.default_rng(seed)
        slots = site(failing, chance)
        for table, (row, sizes) in TABLES.items():
            for k in sizes:
                for epsilon in EPSILONS:
                    rows = found.setdefault((table, name), [])
                    rows.append(row(slots, k, epsilon, number, chance))
                    print(f"{table}, {name}: {rows[-1]}", file=sys.stderr)
    return found


def report(found: dict[tuple[str, str], list[Row]], number: int, path: Path) -> None:
    """Write the tables as Markdown."""
    text = (
        "# What privacy costs\n\n"
        f"Made by `python -m benchmarks.privacy_cost`: {number} blocks a row, of studies from a made-up\n"
        "site, closed and noised by the code that releases a hospital's. `error` is the root mean square\n"
        "difference between what leaves (for the Dice, what federation derives) and the exact figure of the\n"
        "same studies. `long-run guess` is the error of somebody who gets no release and guesses the site's\n"
        "long-run figure for every block: the trivial baseline. A policy's defaults are the smallest blocks\n"
        "and the largest epsilon that it may have.\n\n"
        "![error by block size and epsilon](privacy_cost.png)\n"
    )
    for (table, name), rows in found.items():
        text += f"\n## {table}: {name}\n\n" + _table(rows)
    path.write_text(text)


def _table(rows: list[Row]) -> str:
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    return "\n".join([*lines, *("| " + " | ".join(map(_cell, row.values())) + " |" for row in rows)]) + "\n"


def _cell(value: Any) -> str:  # noqa: ANN401 - text or a number
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def picture(found: dict[tuple[str, str], list[Row]], path: Path) -> None:
    """One panel a table and site: error by block size, a line an epsilon, the guess dotted."""
    figure = Figure(figsize=(12, 7), layout="constrained")
    for panel, ((table, name), rows) in zip(figure.subplots(2, 2).flat, found.items(), strict=True):
        for epsilon in EPSILONS:
            line = [row for row in rows if row["epsilon"] == epsilon]
            panel.loglog(
                [r["k"] for r in line], [r["error"] for r in line], "o-", label=f"epsilon {epsilon:g}"
            )
        guess = [row for row in rows if row["epsilon"] == 1.0]
        panel.loglog(
            [r["k"] for r in guess], [r["long-run guess"] for r in guess], "k:", label="long-run guess"
        )
        panel.set_title(f"{table}\n{name}", fontsize=10)
        panel.set_xlabel("studies in the block")
        panel.set_ylabel("error (root mean square)")
        ticks = sorted({row["k"] for row in rows})
        panel.set_xticks(ticks, [str(tick) for tick in ticks])
        panel.minorticks_off()
        panel.grid(alpha=0.3)
    figure.axes[0].legend(fontsize=8)
    figure.savefig(path, dpi=90)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1, help="of the studies; the noise is drawn anew")
    parser.add_argument("--out", type=Path, default=HERE)
    given = parser.parse_args()
    tables = measure(given.blocks, given.seed)
    report(tables, given.blocks, given.out / "privacy_cost.md")
    picture(tables, given.out / "privacy_cost.png")
