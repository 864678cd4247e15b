"""The benchmark's figures as a table and a picture."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

Row = dict[str, Any]


def write_report(results: dict[str, Any], path: Path) -> None:
    """Write the tables as Markdown."""
    machine = results["machine"]
    load = f"{results['load_before']:.1f} before, {results['load_after']:.1f} after"
    path.write_text(
        "# Speed of the features\n\n"
        "Made by `python -m benchmarks.features`. Times are processor time on one thread, the least of "
        "several runs, since other work shares the machine; arrays of (50, 512, 512) unless said otherwise; "
        f"{machine['cpu']}, {machine['cores']} cores, load {load}.\n\n"
        "## The four against the floor, and against plain scikit-image\n"
        "The floor reads the mask once, and the CT where the lesion is, 64 values to an operation as the "
        "features do. `plain` is scikit-image's `label` and `regionprops` with scikit-learn's Gaussian "
        "(`benchmarks/features_plain.py`). Memory is beside the inputs.\n\n"
        + _table([_with_room(row) for row in results["floor"]])
        + "\nThe aims: at most 5 times the floor, and 100 times faster than `plain`. `plain_over_floor` is "
        "what nobody could exceed.\n"
        + "\n## Growth of the four\n![growth](features_growth.png)\n\n"
        + "".join(f"{name}:\n\n{_table(rows)}\n" for name, rows in results["growth"].items())
        + "## The service, from the store to the message\n"
        "A study of 300 slices with 6 % lesion. The hash of the CT's bytes runs beside the measuring.\n\n"
        + _table(results["service"])
        + "\n## From raw .nii.gz files\n"
        "`streamed` reads CT, lesion and lung and measures the four; `simpleitk` reads and resamples them "
        "and measures nothing; `inflating` is isal alone on the CT, which no implementation on one core a "
        "file can do without. By the clock, each in a process of its own; peak memory with all libraries. "
        "The aim is 3 times faster than SimpleITK. SimpleITK's share of resampling falls as slices grow in "
        "number, so both ratios do: at 300 slices the aim is about reached, at 600 inflating alone hardly "
        "reaches it.\n\n" + _table([_with_ratios(row) for row in results["decoding"]])
    )


def _with_room(row: Row) -> Row:
    """The row, and beside what was reached what the floor would reach."""
    return {**row, "plain_over_floor": row["plain_ms"] / row["floor_ms"]}


def _with_ratios(row: Row) -> Row:
    whole = row["simpleitk_s"]
    return {**row, "ratio": whole / row["streamed_s"], "ratio_inflating": whole / row["inflating_s"]}


def draw_growth(growth: dict[str, list[Row]], path: Path) -> None:
    """One panel for each thing that grows, both axes logarithmic; a dotted line is proportional growth."""
    figure = Figure(figsize=(14, 3.6), layout="constrained")
    for panel, (name, rows) in zip(figure.subplots(1, len(growth)), growth.items(), strict=True):
        at, times = [row["at"] for row in rows], [row["four_ms"] for row in rows]
        panel.loglog(at, times, marker="o")
        power = 2 if name == "voxels a side" else 1
        panel.loglog(at, [times[-1] * (x / at[-1]) ** power for x in at], ":", color="grey")
        panel.set_xticks(at, [f"{x:g}" for x in at], rotation=45, fontsize=7)
        panel.minorticks_off()
        panel.set_xlabel(name)
        panel.set_ylim(min(times) / 3, max(times) * 2)
        panel.grid(alpha=0.3)
    figure.axes[0].set_ylabel("the four features, ms")
    figure.savefig(path, dpi=90)


def _table(rows: list[Row]) -> str:
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(_cell(row[name]) for name in names) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:  # noqa: ANN401 - text or a number
    return f"{value:.3g}" if isinstance(value, float) else f"{value}"
