"""Every panel of every dashboard as a picture, from the Prometheus of the centre and of a hospital."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from deploy.dashboards.asking import Drawn, Prometheus, boards, drawn_panels
from deploy.dashboards.drawing import draw

SHEET = "sheet.png"
COLUMNS = 4
PANEL = (6.2, 2.6)
"""Inches."""
ON_THE_SHEET = (3.3, 1.75)
DPI, SHEET_DPI = 110, 100


def preview(out: Path, sources: Mapping[str, Prometheus], sites: Mapping[str, str]) -> list[str]:
    """Write FOLDER/BOARD/NN-TITLE.png for each panel, and one sheet of all; the panels without data.

    Args:
        out: made where it is missing.
        sources: `centre` and `hospital`: the Prometheus that feeds the boards of each.
        sites: which sites are chosen on the boards of each, a regular expression.
    """
    empty, everything = [], list[tuple[str, Drawn, Prometheus]]()
    for name, board in boards().items():
        side = "centre" if name.startswith("federation") else "hospital"
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        for number, drawn in enumerate(drawn_panels(board, sources[side], sites[side]), 1):
            _write_panel(folder / f"{number:02}-{_file_name(drawn.title)}.png", drawn, sources[side])
            empty += [f"{name}: {drawn.title}: {each}" for each in drawn.empty]
            everything.append((name, drawn, sources[side]))
    _write_sheet(out / SHEET, everything)
    return empty


def _write_panel(path: Path, drawn: Drawn, source: Prometheus) -> None:
    figure = Figure(figsize=PANEL, layout="constrained")
    draw(figure.subplots(), drawn, source.span)
    figure.savefig(path, dpi=DPI)


def _write_sheet(path: Path, everything: Sequence[tuple[str, Drawn, Prometheus]]) -> None:
    """A wide panel takes a row of its own half; the boards follow one another."""
    rows = -(-len(everything) // COLUMNS)
    width, height = ON_THE_SHEET
    figure = Figure(figsize=(COLUMNS * width, rows * height), layout="constrained")
    grid = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes, (_, drawn, source) in zip(grid, everything, strict=False):
        draw(axes, drawn, source.span)
    for axes in grid[len(everything) :]:
        axes.set_axis_off()
    figure.savefig(path, dpi=SHEET_DPI, pil_kwargs={"optimize": True})


def _file_name(title: str) -> str:
    return "-".join("".join(letter if letter.isalnum() else " " for letter in title.lower()).split())
