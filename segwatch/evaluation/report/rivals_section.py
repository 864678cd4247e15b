"""The report's section on the field's rivals: their figures, and how each scorer differs from them."""

from collections.abc import Iterator
from html import escape

from segwatch.evaluation.entries import PairedDifference, Report, RivalEntry
from segwatch.evaluation.report.html import html
from segwatch.evaluation.rivals import COMPARED
from segwatch.markup import bullets, note, table
from segwatch.statistics.set_figures import COLUMNS, RANKING, Cell, rounded

SHOWN = ("n", "undefined", "AUROC", *RANKING, "MAE ± std")
NOTE = (
    "A rival predicts each patient by a fit without them, on the studies that it can judge and on no others. "
    "The difference is the scorer's figure less the rival's on those same studies, in brackets 95 % over "
    "patients. A scorer is better where AUROC, Pearson and Spearman differ upwards, AURC and MAE downwards."
)
TITLES = dict(zip(COMPARED, ("AUROC", "AURC", "Pearson", "Spearman", "MAE"), strict=True))


def rivals_section(report: Report) -> Iterator[str]:
    """The section's HTML; nothing where no rival was looked at."""
    if not report.rivals:
        return
    yield "<h2>Beside the field's rivals</h2>"
    if reasons := not_measurable(report):
        yield bullets(map(escape, reasons))
    measured = {name: rival for name, rival in report.rivals.items() if any(rival.sets.values())}
    if measured:
        yield _figures(measured)
        yield _differences(measured)
        yield note(escape(NOTE))


def not_measurable(report: Report) -> list[str]:
    """Which rivals are not measurable, in which sets where not in all, and why."""
    said = []
    for rival in report.rivals.values():
        if rival.not_measurable is not None:
            said.append(f"{rival.title}: not measurable, {rival.not_measurable}.")
        without = [name for name, entry in rival.sets.items() if entry is None]
        if without:
            said.append(
                f"{rival.title}: not measurable in {', '.join(without)}, where no study has all of "
                f"{', '.join(rival.features)}."
            )
    return said


def _figures(rivals: dict[str, RivalEntry]) -> str:
    rows = [
        [
            escape(name),
            f"{escape(rival.title)} (fitted on {escape(rival.fitted_on or '')}, patient left out)",
            *(html(COLUMNS[column](entry.figures)) for column in SHOWN),
        ]
        for rival in rivals.values()
        for name, entry in rival.sets.items()
        if entry is not None
    ]
    heads = "".join(f"<th>{escape(column)}</th>" for column in SHOWN)
    return table(f"<tr><th>set</th><th class=text>rival</th>{heads}</tr>", rows, texts=2)


def _differences(rivals: dict[str, RivalEntry]) -> str:
    rows = [
        [
            escape(name),
            f"{escape(scorer)} less {escape(rival.title)}",
            *(html(_cell(each[figure])) for figure in COMPARED),
        ]
        for rival in rivals.values()
        for name, entry in rival.sets.items()
        if entry is not None
        for scorer, each in entry.scorer_less_rival.items()
    ]
    heads = "".join(f"<th>{title}</th>" for title in TITLES.values())
    return table(f"<tr><th>set</th><th class=text>difference</th>{heads}</tr>", rows, texts=2) if rows else ""


def _cell(found: PairedDifference) -> Cell:
    return Cell(rounded(found.difference, 2), found.difference_ci)
