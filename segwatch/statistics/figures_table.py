"""Sets' figures as a table of a terminal that is 80 columns wide: intervals beneath, no word cut."""

from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table

from segwatch.statistics.set_figures import COLUMNS, Cell, SetFigures, in_brackets

NARROWEST_NAME = len("(resubstitution)")


def figures_table(
    sections: Mapping[str, Mapping[str, SetFigures]],
    columns: Sequence[str],
    title: str,
    caption: str | None = None,
) -> Table:
    """A section for each set, under its name a line for each scorer.

    Args:
        sections: by set, and in it by scorer, the figures.
        columns: names in COLUMNS. title, caption: above and beneath.
    """
    table = Table(title=title, caption=caption, box=box.SIMPLE_HEAD, pad_edge=False, padding=0)
    table.add_column(min_width=NARROWEST_NAME, overflow="fold")
    rows = {
        name: {
            scorer: [_lines(COLUMNS[column](one)) for column in columns] for scorer, one in scorers.items()
        }
        for name, scorers in sections.items()
    }
    for number, column in enumerate(columns):
        shown = [cells[number] for scorers in rows.values() for cells in scorers.values()]
        words = [*column.split(), *(line for text in shown for line in text.split("\n"))]
        table.add_column(column, width=max(map(len, words)))
    for name, scorers in rows.items():
        table.add_row(f"[bold]{name}[/bold]")
        for scorer, cells in scorers.items():
            table.add_row(scorer, *cells)
        table.add_section()
    return table


def _lines(shown: Cell) -> str:
    return shown.text if shown.interval is None else f"{shown.text}\n{in_brackets(shown.interval)}"
