"""The report's section on the second target: the error of the lesion's share of the lung."""

from collections.abc import Iterator
from html import escape

from segwatch.evaluation.entries import BurdenEntry, BurdenSetEntry, Report
from segwatch.evaluation.report.html import html
from segwatch.markup import bullets, note, table
from segwatch.statistics.set_figures import Cell, rounded

WHAT = "Error of the lesion's share of the lung"
NOTE = (
    "The truth's lesion share of the lung less the mask's, in percentage points: as predicted, and as the "
    "training rows' median for every study has it. The gain is of the mean absolute error, in brackets "
    "95 % over patients. Intervals are nominally of 80 %; studies outside what the model knows have none."
)
HEADS = ("n", "MAE", "MAE of the constant", "gain", "bias", "half-width", "covered")


def burden_section(report: Report) -> Iterator[str]:
    """The section's HTML; nothing where no scorer has such a target."""
    if not report.burden:
        return
    yield f"<h2>{WHAT}</h2>"
    if reasons := burden_not_measurable(report):
        yield bullets(map(escape, reasons))
    rows = [
        [
            escape(f"{of_set}{' (resubstitution)' if one.resubstitution else ''}"),
            escape(name),
            *map(html, _row(one)),
        ]
        for name, entry in report.burden.items()
        for of_set, one in entry.sets.items()
        if one is not None
    ]
    if rows:
        heads = "".join(f"<th>{head}</th>" for head in HEADS)
        yield table(f"<tr><th>set</th><th class=text>model</th>{heads}</tr>", rows, texts=2)
        yield note(escape(NOTE))


def burden_in_words(report: Report) -> list[str]:
    """A sentence for each model and set, of whose rows none was learnt from."""
    return [
        f"{WHAT}, {name}, {of_set}: MAE {one.mae:.2f} points, a constant "
        f"{one.mae_constant:.2f}; gain {one.gain:.2f} [{one.gain_ci[0]:.2f}, {one.gain_ci[1]:.2f}]."
        for name, entry in report.burden.items()
        for of_set, one in entry.sets.items()
        if one is not None and not one.resubstitution
    ]


def burden_not_measurable(report: Report) -> list[str]:
    """Of which model the target is not measurable, in which sets where not in all, and why."""
    return [sentence for name, entry in report.burden.items() for sentence in _reasons(name, entry)]


def _reasons(name: str, entry: BurdenEntry) -> Iterator[str]:
    if entry.not_measurable is not None:
        yield f"{WHAT}, {name}: not measurable, {entry.not_measurable}."
    without = [of_set for of_set, one in entry.sets.items() if one is None]
    if without:
        yield f"{WHAT}, {name}: no study in {', '.join(without)} has both shares."


def _row(one: BurdenSetEntry) -> list[Cell]:
    return [
        Cell(str(one.n)),
        Cell(rounded(one.mae, 2)),
        Cell(rounded(one.mae_constant, 2)),
        Cell(rounded(one.gain, 2), one.gain_ci),
        Cell(rounded(one.bias, 2)),
        Cell(rounded(one.half_width, 2)),
        Cell(rounded(one.covered, 2)),
    ]
