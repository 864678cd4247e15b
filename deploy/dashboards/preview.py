"""Every panel of every dashboard as a picture, from the Prometheus of the centre and of a hospital."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from deploy.dashboards.asking import Drawn, RunQueries, boards, drawn_panels
from deploy.dashboards.drawing import draw

SHEET = "sheet.png"
OF_KUBERNETES = ("kubelet_", "segwatch_bridge_")
"""What only Kubernetes and its bridge show is drawn where it is there, and missed nowhere else."""
PANEL = (6.2, 2.6)
"""Inches."""
DPI = 120
COLUMNS = 5
SMALL = (392, 164)
"""Pixels of a panel on the sheet."""
HEADING = 22
SHEET_COLOURS = 128


def preview(out: Path, sources: Mapping[str, RunQueries], sites: Mapping[str, str]) -> list[str]:
    """Write FOLDER/BOARD/NN-TITLE.png for each panel, and one sheet of all; the expressions without data.

    Args:
        out: made where it is missing.
        sources: `centre` and `hospital`: the Prometheus that feeds the boards of each.
        sites: which sites are chosen on the boards of each, a regular expression.
    """
    empty, sheets = [], dict[str, list[Path]]()
    for name, board in boards().items():
        side = "centre" if name.startswith("federation") else "hospital"
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.png"):
            old.unlink()
        panels = sheets.setdefault(str(board["title"]), [])
        for number, drawn in enumerate(drawn_panels(board, sources[side], sites[side]), 1):
            path = folder / f"{number:02}-{_file_name(drawn.title)}.png"
            _write_panel(path, drawn, sources[side])
            empty += [f"{name}: {drawn.title}: {each}" for each in drawn.empty if not is_of_kubernetes(each)]
            panels.append(path)
    _write_sheet(out / SHEET, sheets)
    return empty


def is_of_kubernetes(expression: str) -> bool:
    """Whether the local stack has nothing that shows what is asked."""
    return any(name in expression for name in OF_KUBERNETES)


def _write_panel(path: Path, drawn: Drawn, source: RunQueries) -> None:
    figure = Figure(figsize=PANEL, layout="constrained")
    draw(figure.subplots(), drawn, source.span)
    figure.savefig(path, dpi=DPI)


def _write_sheet(path: Path, boards_shown: Mapping[str, Sequence[Path]]) -> None:
    """All panels, small, each board under its title."""
    width, height = SMALL
    rows = sum(-(-len(panels) // COLUMNS) for panels in boards_shown.values())
    sheet = Image.new("RGB", (COLUMNS * width, rows * height + len(boards_shown) * HEADING), "white")
    pen = ImageDraw.Draw(sheet)
    top = 0
    for title, panels in boards_shown.items():
        pen.rectangle((0, top, sheet.width, top + HEADING - 4), fill="#e8edf2")
        pen.text((6, top + 3), title, fill="#222222", font_size=13)
        top += HEADING
        for number, panel in enumerate(panels):
            with Image.open(panel) as picture:
                small = picture.convert("RGB").resize(SMALL, Image.Resampling.LANCZOS)
            sheet.paste(small, (number % COLUMNS * width, top + number // COLUMNS * height))
        top += -(-len(panels) // COLUMNS) * height
    sheet.quantize(SHEET_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def _file_name(title: str) -> str:
    return "-".join("".join(letter if letter.isalnum() else " " for letter in title.lower()).split())
