"""The report's pictures, each drawn from `report.json`'s entries and the judgements of single studies."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from segwatch.contracts.quality import FAILED_BELOW
from segwatch.evaluation.entries import IntervalEntry, Report, SetEntry
from segwatch.scoring.bins import COUNT, EDGES, failed
from segwatch.statistics.curves import DiceBin, FailureGroup
from segwatch.statistics.set_figures import SetFigures
from segwatch.statistics.verdicts import Judged

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Okabe and Ito's, told apart also by those who do not see red and green."""
GREY = "#9a9a9a"
BIN_NAMES = ("<.2", "<.4", "<.6", "<.8", "≥.8")
DPI = 110


def draw_all(report: Report, judged: Mapping[str, Judged], sets: Any, folder: Path) -> list[tuple[str, str]]:  # noqa: ANN401 - an array of texts
    """Write every picture into the folder; their file names and titles, in the report's order.

    Args:
        report: what `report.json` holds. judged: of every row. sets: the rows' sets (n,).
    """
    folder.mkdir(parents=True, exist_ok=True)
    made: list[tuple[str, str, Callable[[], Figure]]] = [
        ("predicted.png", "Predicted against true Dice", lambda: predicted(report, judged, sets)),
        ("roc.png", "ROC: failed studies found against good ones flagged", lambda: roc(report)),
        (
            "risk_coverage.png",
            "Risk against coverage: the share that failed among those trusted",
            lambda: risk(report),
        ),
        (
            "calibration.png",
            "Calibration of predicted Dice and of failure probabilities",
            lambda: calibration(report),
        ),
        (
            "intervals.png",
            "Share of each patient's studies whose 80 % interval holds the true Dice",
            lambda: intervals(report),
        ),
        ("confusion.png", "Confusion by bins: rows are true, columns predicted", lambda: confusion(report)),
    ]
    if any(report.ablation.values()):
        made.append(("ablation.png", "Ablation: each feature left out", lambda: ablated(report)))
    for name, _, draw in made:
        draw().savefig(folder / name, dpi=DPI)
    return [(name, title) for name, title, _ in made]


def predicted(report: Report, judged: Mapping[str, Judged], sets: Any) -> Figure:  # noqa: ANN401
    """A panel for each set and model; undefined studies lie on the line below 0."""
    figure, panels = _grid(report)
    for (name, model), panel in panels:
        rows = judged[model].rows(sets == name)
        truly, known = failed(rows.dice), ~np.isnan(rows.predicted)
        right = rows.flagged == truly
        panel.plot([0, 1], [0, 1], color=GREY, linewidth=0.8)
        for axis in (panel.axvline, panel.axhline):
            axis(FAILED_BELOW, color=GREY, linewidth=0.8, linestyle=":")
        for chosen, colour in ((right, COLOURS[0]), (~right, COLOURS[1])):
            there = chosen & known
            panel.scatter(rows.dice[there], rows.predicted[there], s=9, color=colour, alpha=0.6, linewidths=0)
            gone = chosen & ~known
            panel.scatter(
                rows.dice[gone], np.full(gone.sum(), -0.06), s=16, color=colour, marker="x", linewidths=1
            )
        panel.set(xlim=(-0.02, 1.02), ylim=(-0.1, 1.02))
    figure.supxlabel("true Dice", fontsize=9)
    figure.supylabel("predicted Dice", fontsize=9)
    figure.suptitle("blue: verdict right; orange: wrong; × below 0: undefined", fontsize=9)
    return figure


def roc(report: Report) -> Figure:
    """A panel for each set, a line for each model, a point where its verdict lies."""
    figure, panels = _row(report)
    for name, panel in panels:
        panel.plot([0, 1], [0, 1], color=GREY, linewidth=0.8)
        for model, colour, entry in _models(report, name):
            curve = entry.roc
            if curve is None or entry.binary_specificity is None:
                continue
            label = f"{model} {entry.auroc:.2f}"
            panel.plot(curve.false_positive_rate, curve.sensitivity, color=colour, linewidth=1.3, label=label)
            panel.plot(1 - entry.binary_specificity, entry.sensitivity, "o", color=colour, markersize=5)
        panel.set(
            xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="1 − binary specificity", ylabel="sensitivity"
        )
        _legend(panel, "one class only: no curve", title="AUROC")
    return figure


def risk(report: Report) -> Figure:
    """A panel for each set, a line for each model; grey: a scorer that looks at nothing."""
    figure, panels = _row(report)
    for name, panel in panels:
        for model, colour, entry in _models(report, name):
            curve = entry.risk_coverage
            label = f"{model} {curve.aurc:.2f}"
            panel.plot(curve.coverage, curve.risk, color=colour, linewidth=1.3, label=label)
            panel.axhline(curve.aurc_blind, color=GREY, linewidth=0.8)
        panel.set(xlim=(0, 1.02), ylim=(-0.02, 1.02), xlabel="share trusted", ylabel="failed among them")
        _legend(panel, "", title="mean risk")
    return figure


def calibration(report: Report) -> Figure:
    """Above, mean true Dice by bins of predicted Dice; below, the share that failed by probability."""
    names = list(report.cohort.sets)
    figure = Figure(figsize=(0.6 + 3.1 * len(names), 6.4), layout="constrained")
    panels = figure.subplots(2, len(names), squeeze=False)
    for column, name in enumerate(names):
        above, below = panels[0, column], panels[1, column]
        for model, colour, entry in _models(report, name):
            _line(above, [row for row in entry.dice_calibration if row.n], "true", colour, model)
            probabilities = entry.failure_calibration
            if probabilities is not None:
                brier = probabilities.brier
                label = model if brier is None else f"{model} {brier:.2f}"
                _line(below, probabilities.tenths, "share", colour, label)
        above.set(title=name, xlabel="predicted Dice", ylabel="mean true Dice")
        below.set(xlabel="failure probability", ylabel="share that failed")
        for panel, title in ((above, None), (below, "Brier")):
            panel.plot([0, 1], [0, 1], color=GREY, linewidth=0.8)
            panel.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
            _legend(panel, "no model gives probabilities", title=title)
    return figure


def intervals(report: Report) -> Figure:
    """A panel for each set, its patients from the worst covered on."""
    figure, panels = _row(report)
    for name, panel in panels:
        for model, colour, entry in _models(report, name):
            if entry.interval is not None:
                _coverage(panel, entry.interval, model, colour)
        panel.set(xlim=(0, 1), ylim=(-0.03, 1.03), xlabel="patients, the worst first", ylabel="covered")
        _legend(panel, "no intervals", title="covered")
    return figure


def confusion(report: Report) -> Figure:
    """A panel for each set and model."""
    figure, panels = _grid(report, size=2.3)
    for (name, model), panel in panels:
        counts = np.array(report.models[model].sets[name].confusion)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for true in range(COUNT):
            for said in range(COUNT):
                colour = "white" if shares[true, said] > 0.5 else "black"
                panel.text(
                    said, true, counts[true, said] or "", ha="center", va="center", fontsize=7, color=colour
                )
        for axis in (panel.axhline, panel.axvline):
            axis(len(EDGES) - 1.5, color=COLOURS[1], linewidth=0.9)
        panel.set_xticks(range(COUNT), BIN_NAMES)
        panel.set_yticks(range(COUNT), BIN_NAMES)
        panel.tick_params(labelsize=6, length=0)
    figure.supxlabel("predicted bin (orange: the border of failed)", fontsize=9)
    figure.supylabel("true bin", fontsize=9)
    return figure


def ablated(report: Report) -> Figure:
    """AUROC and MAE of each set without each single feature, beside the whole model, with their intervals."""
    names = list(report.cohort.sets)
    features = report.features.names
    lines = ["(none)", *features]
    height = 1.2 + 0.3 * len(lines) * max(1, len(report.ablation) / 3)
    figure = Figure(figsize=(2.2 + 2.9 * len(names), 2 * height), layout="constrained")
    panels = figure.subplots(2, len(names), squeeze=False, sharey=True)
    for row, (key, title) in enumerate((("auroc", "AUROC"), ("mae", "MAE"))):
        for column, name in enumerate(names):
            panel = panels[row, column]
            for number, (model, colour) in enumerate(_coloured(report.ablation)):
                single = {
                    each.left_out[0]: each.sets[name]
                    for each in report.ablation[model]
                    if len(each.left_out) == 1
                }
                entries = [report.models[model].sets[name], *(single[feature] for feature in features)]
                shift = float(0.13 * (number - (len(report.ablation) - 1) / 2))
                at = [place + shift for place in range(len(lines))]
                _dots(panel, entries, key, at, colour, model)
            panel.set_yticks(range(len(lines)), lines)
            panel.set(xlabel=title, title=name if row == 0 else "")
            panel.grid(axis="x", color="#e6e6e6")
            panel.set_axisbelow(True)
            panel.set_ylim(len(lines) - 0.4, -0.6)
            if not panel.has_data():
                panel.text(0.5, 0.5, "one class only", ha="center", color=GREY, transform=panel.transAxes)
    handles, labels = panels[1, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), fontsize=8, frameon=False)
    return figure


def _dots(
    panel: Any,  # noqa: ANN401
    entries: Sequence[SetFigures],
    key: str,
    at: Sequence[float],
    colour: str,
    label: str,
) -> None:
    for y, entry in zip(at, entries, strict=True):
        value, interval = getattr(entry, key), getattr(entry, f"{key}_ci")
        if value is None:
            continue
        if interval is not None:
            panel.plot(interval, [y, y], color=colour, linewidth=0.9, alpha=0.6)
        panel.plot(value, y, "o", color=colour, markersize=4, label=label if y == at[0] else None)


def _line(
    panel: Any,  # noqa: ANN401
    rows: Sequence[DiceBin] | Sequence[FailureGroup],
    up: str,
    colour: str,
    label: str,
) -> None:
    """What is true over what was predicted: points on a line, larger where more studies are behind them."""
    if rows:
        points = [row.predicted for row in rows], [getattr(row, up) for row in rows]
        panel.plot(*points, color=colour, linewidth=1, label=label)
        panel.scatter(*points, s=[6 + 3 * row.n**0.5 for row in rows], color=colour)


def _coverage(panel: Any, entry: IntervalEntry, model: str, colour: str) -> None:  # noqa: ANN401
    """A set's patients from the worst on by their covered share, larger where more studies are.

    A line is the plain intervals, dashes the weighted ones, grey the nominal share.
    """
    panel.axhline(entry.nominal, color=GREY, linewidth=0.8)
    for style, found in (("-", entry), ("--", entry.weighted)):
        if found is None or found.covered is None:
            continue
        shares = [each.covered for each in found.patients]
        sizes = [4 + 4 * each.n**0.5 for each in found.patients]
        positions = (np.arange(len(shares)) + 0.5) / len(shares)
        label = f"{model} {found.covered:.2f}{' weighted' if style == '--' else ''}"
        panel.plot(positions, shares, color=colour, linewidth=1, linestyle=style, label=label)
        panel.scatter(positions, shares, s=sizes, color=colour, alpha=0.6, linewidths=0)


def _legend(panel: Any, otherwise: str, title: str | None) -> None:  # noqa: ANN401
    if panel.get_legend_handles_labels()[0]:
        panel.legend(fontsize=7, title=title, title_fontsize=7, frameon=False)
    else:
        panel.text(0.5, 0.85, otherwise, ha="center", fontsize=8, color=GREY, transform=panel.transAxes)


def _coloured(models: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for number, model in enumerate(models):
        yield model, COLOURS[number % len(COLOURS)]


def _models(report: Report, name: str) -> Iterator[tuple[str, str, SetEntry]]:
    """Each model, its colour, and its entry of the set."""
    for model, colour in _coloured(report.models):
        yield model, colour, report.models[model].sets[name]


def _row(report: Report) -> tuple[Figure, list[tuple[str, Any]]]:
    names = list(report.cohort.sets)
    figure = Figure(figsize=(0.6 + 3.1 * len(names), 3.4), layout="constrained")
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for name, panel in zip(names, panels, strict=True):
        panel.set_title(name)
    return figure, list(zip(names, panels, strict=True))


def _grid(report: Report, size: float = 2.5) -> tuple[Figure, list[tuple[tuple[str, str], Any]]]:
    names, models = list(report.cohort.sets), list(report.models)
    figure = Figure(figsize=(0.8 + size * len(models), 0.6 + size * len(names)), layout="constrained")
    panels = figure.subplots(len(names), len(models), squeeze=False, sharex=True, sharey=True)
    for column, model in enumerate(models):
        panels[0, column].set_title(model, fontsize=9)
    for row, name in enumerate(names):
        panels[row, 0].set_ylabel(name, fontsize=9)
    cells = [
        ((name, model), panels[row, column])
        for row, name in enumerate(names)
        for column, model in enumerate(models)
    ]
    return figure, cells
