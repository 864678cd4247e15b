"""The figures in the form of the paper's Table 2, and a second table of what that form cannot show."""

from collections.abc import Callable, Mapping, Sequence

from rich.table import Table

from segwatch.training.rows import NOTE, ReportRow

Column = Callable[[ReportRow], str]


def _sensitivity(row: ReportRow) -> str:
    return row.cell("sensitivity", f" ({row.counts['found']}/{row.counts['failed']})")


def _mae(row: ReportRow) -> str:
    spread = row.figures["mae_std"]
    return row.cell("mae", "" if spread is None else f" ± {spread:.2f}")


PAPER: Mapping[str, Column] = {
    "n": lambda row: str(row.counts["n"]),
    "sensitivity": _sensitivity,
    "bin specificity (micro)": lambda row: row.cell("bin_specificity_micro"),
    "MAE ± std": _mae,
}
BESIDE: Mapping[str, Column] = {
    "undefined": lambda row: str(row.counts["n_undefined"]),
    "binary specificity": lambda row: row.cell("binary_specificity"),
    "PPV": lambda row: row.cell("ppv"),
    "AUROC": lambda row: row.cell("auroc"),
    "5-bin accuracy": lambda row: row.cell("accuracy"),
}


def table2(rows: Sequence[ReportRow], scorer: str) -> Table:
    """Table 2 in the paper's form."""
    return _table(rows, PAPER, f"{scorer}: Table 2", None)


def beside_table2(rows: Sequence[ReportRow], scorer: str) -> Table:
    """What Table 2 cannot show, of the same rows."""
    return _table(rows, BESIDE, f"{scorer}: beside Table 2", NOTE)


def _table(
    rows: Sequence[ReportRow], columns: Mapping[str, Column], title: str, caption: str | None
) -> Table:
    table = Table("set", "judged", *columns, title=title, caption=caption)
    last = ""
    for row in rows:
        if last and row.set_name != last:
            table.add_section()
        shown = "" if row.set_name == last else row.set_name
        table.add_row(shown, row.way, *(make(row) for make in columns.values()))
        last = row.set_name
    return table
