"""A panel with its data as a picture, near enough to Grafana's to see what is ugly, wrong or empty."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter
from matplotlib.transforms import Bbox

from deploy.dashboards.asking import Curve, Drawn, Span
from deploy.dashboards.panels import HIGH, LOW, NUMBER_OF, SOME_COLOURS, UNDEFINED

FAINT = "#777777"
MOST_LEGENDS = 8
SMALL = 6.5
LONGEST_CELL = 14


def draw(axes: Axes, drawn: Drawn, span: Span) -> None:
    """Draw a panel into axes."""
    axes.set_title(drawn.title, fontsize=8, loc="left")
    if drawn.empty and not any(answer.curves for answer in drawn.answers):
        axes.text(0.5, 0.5, UNDEFINED, ha="center", va="center", transform=axes.transAxes, color=FAINT)
    _KINDS[drawn.panel["type"]](axes, drawn, span)


def _draw_curves(axes: Axes, drawn: Drawn, span: Span) -> None:
    panel = drawn.panel
    custom = panel["fieldConfig"]["defaults"]["custom"]
    curves = [curve for answer in drawn.answers for curve in answer.curves]
    colours = dict(zip(_main_legends(curves), _endless(), strict=False))
    if _is_stacked(custom):
        _stack(axes, [each for each in curves if each.legend in colours], colours, span)
    else:
        for curve in curves:
            if curve.legend in colours:
                axes.plot(
                    *_minutes(curve, span), color=colours[curve.legend], label=curve.legend, linewidth=1.3
                )
    _band(axes, curves, span)
    _number(axes, panel, curves, span)
    _page_line(axes, panel)
    for time, colour in drawn.marks:
        axes.axvline((time - span.begin) / 60, color=colour, linestyle=":", linewidth=0.9)
    if "scaleDistribution" in custom and custom["scaleDistribution"]["type"] == "log":
        axes.set_yscale("log")
    elif panel["fieldConfig"]["defaults"].get("min") == 0 and not has_band(curves):
        _from_zero(axes)
    _dress(axes, panel, span)
    if colours:
        columns = 4 if max(map(len, colours)) < 24 else 2
        axes.legend(
            *_few_legends(axes),
            fontsize=SMALL - 0.5,
            loc="upper left",
            bbox_to_anchor=(-0.01, -0.1),
            frameon=False,
            ncols=columns,
        )


def _draw_table(axes: Axes, drawn: Drawn, span: Span) -> None:
    """The values at the end, a row for each value of the label, sorted as Grafana sorts them."""
    axes.set_axis_off()
    label = next(
        each["options"]["byField"] for each in drawn.panel["transformations"] if each["id"] == "joinByField"
    )
    rows = dict(sorted(_rows(drawn, label, span).items()))
    for each in drawn.panel["transformations"]:
        if each["id"] == "sortBy":
            (key,) = each["options"]["sort"]
            lowest = -np.inf
            order = sorted(rows, key=lambda name: rows[name].get(key["field"], lowest), reverse=key["desc"])
            rows = {name: rows[name] for name in order}
    headings = [answer.legend for answer in drawn.answers]
    cells = [[name, *(_cell(drawn.panel, each, rows[name].get(each)) for each in headings)] for name in rows]
    if not cells:
        return
    heights = min(1.0, 0.16 + 0.11 * len(cells))
    narrow = [heading.replace(" ", "\n") for heading in (label, *headings)]
    table = axes.table(
        cells, colLabels=narrow, cellLoc="right", bbox=Bbox.from_bounds(0, 1 - heights, 1, heights)
    )
    table.auto_set_font_size(False)
    table.set_fontsize(SMALL if len(headings) < 8 else SMALL - 1.5)
    for (row, _), cell in table.get_celld().items():
        cell.set_linewidth(0.3)
        if row == 0:
            cell.set_facecolor("#eeeeee")


def _draw_heat_map(axes: Axes, drawn: Drawn, span: Span) -> None:
    curves = drawn.answers[0].curves
    states = _states(drawn.panel["fieldConfig"]["defaults"].get("mappings") or [])
    columns = 96
    grid = np.full((len(curves), columns), np.nan)
    for row, curve in enumerate(curves):
        places = ((np.array(curve.times) - span.begin) / (span.end - span.begin) * (columns - 1)).astype(int)
        grid[row, places] = curve.values
    extent = (0.0, (span.end - span.begin) / 60, len(curves) - 0.5, -0.5)
    if states:
        coloured = np.ones((*grid.shape, 3))
        for value, (_, colour) in states.items():
            coloured[grid == value] = to_rgb(colour)
        axes.imshow(coloured, aspect="auto", extent=extent, interpolation="nearest")
        for words, colour in states.values():
            axes.scatter([], [], color=colour, label=words, marker="s", s=14)
        axes.legend(
            fontsize=SMALL - 0.5,
            ncols=len(states),
            loc="lower right",
            bbox_to_anchor=(1, 0.98),
            frameon=False,
        )
    elif len(curves):
        shown = axes.imshow(
            grid, aspect="auto", extent=extent, cmap="BuPu", vmin=0, vmax=1, interpolation="nearest"
        )
        axes.figure.colorbar(shown, ax=axes, format=PercentFormatter(1), pad=0.01).ax.tick_params(
            labelsize=SMALL
        )
    axes.set_yticks(range(len(curves)), [curve.legend for curve in curves], fontsize=SMALL)
    axes.set_ylim(max(len(curves), 1) - 0.5, -0.5)
    axes.tick_params(axis="x", labelsize=SMALL)


_KINDS: Mapping[str, Callable[[Axes, Drawn, Span], None]] = {
    "timeseries": _draw_curves,
    "table": _draw_table,
    "status-history": _draw_heat_map,
}


def _main_legends(curves: list[Curve]) -> list[str]:
    """What is neither an interval nor an n, once each."""
    return [
        name for name in dict.fromkeys(each.legend for each in curves) if name not in (LOW, HIGH, NUMBER_OF)
    ]


def _endless() -> list[str]:
    return [colour for _ in range(8) for colour in SOME_COLOURS]


def _minutes(curve: Curve, span: Span) -> tuple[Any, Any]:
    """A curve in minutes since the beginning; a gap stays one."""
    times, values = np.array(curve.times), np.array(curve.values)
    gaps = np.flatnonzero(np.diff(times) > 3 * span.step) + 1
    return np.insert((times - span.begin) / 60, gaps, np.nan), np.insert(values, gaps, np.nan)


def _is_stacked(custom: Mapping[str, Any]) -> bool:
    return bool(custom.get("stacking", {}).get("mode") == "normal")


def _stack(axes: Axes, curves: list[Curve], colours: Mapping[str, str], span: Span) -> None:
    times = np.array(sorted({time for curve in curves for time in curve.times}))
    rows = []
    for curve in curves:
        at = dict(zip(curve.times, curve.values, strict=True))
        rows.append([at.get(time, 0.0) for time in times])
    if rows:
        names = [curve.legend for curve in curves]
        shown = [colours[name] for name in names]
        axes.stackplot((times - span.begin) / 60, np.array(rows), labels=names, colors=shown, alpha=0.7)


def _from_zero(axes: Axes) -> None:
    """Begin at 0, with room below and above: a line at 0 is seen, and means that something is known."""
    top = max(axes.get_ylim()[1], 1e-9)
    drawn = [
        values for line in axes.get_lines() if (values := np.asarray(line.get_ydata(), dtype=float)).size
    ]
    if drawn and all(np.nanmax(values) <= 0 for values in drawn):
        top = 1.0
    axes.set_ylim(-0.04 * top, 1.08 * top)


def has_band(curves: list[Curve]) -> bool:
    """Whether an interval is among the curves."""
    return {LOW, HIGH} <= {curve.legend for curve in curves}


def _band(axes: Axes, curves: list[Curve], span: Span) -> None:
    ends = {curve.legend: curve for curve in curves}
    if has_band(curves):
        low, high = (dict(zip(ends[name].times, ends[name].values, strict=True)) for name in (LOW, HIGH))
        times = sorted(set(low) & set(high))
        minutes = [(time - span.begin) / 60 for time in times]
        axes.fill_between(
            minutes, [low[t] for t in times], [high[t] for t in times], color="gray", alpha=0.22, linewidth=0
        )
        axes.set_ylim(-0.02, 1.02)


def _number(axes: Axes, panel: Mapping[str, Any], curves: list[Curve], span: Span) -> None:
    numbers = [curve for curve in curves if curve.legend == NUMBER_OF]
    if not numbers:
        return
    right = axes.twinx()
    for curve in numbers:
        right.plot(*_minutes(curve, span), color=FAINT, linestyle=(0, (4, 3)), linewidth=0.9)
    right.set_ylim(bottom=0)
    right.tick_params(labelsize=SMALL, colors=FAINT)
    right.set_ylabel(f"n: {_n_is(panel)}", fontsize=SMALL, color=FAINT)


def _n_is(panel: Mapping[str, Any]) -> str:
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["options"] == NUMBER_OF:
            return next(
                (str(each["value"]) for each in override["properties"] if each["id"] == "custom.axisLabel"),
                "",
            )
    return ""


def _page_line(axes: Axes, panel: Mapping[str, Any]) -> None:
    for step in (panel["fieldConfig"]["defaults"].get("thresholds") or {}).get("steps", []):
        if step["value"] is not None:
            axes.axhline(step["value"], color=step["color"], linestyle="--", linewidth=0.9)


def _dress(axes: Axes, panel: Mapping[str, Any], span: Span) -> None:
    unit = panel["fieldConfig"]["defaults"].get("unit", "short")
    axes.set_xlim(0, (span.end - span.begin) / 60)
    axes.tick_params(labelsize=SMALL)
    if axes.get_yscale() == "linear":
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: in_unit(value, unit)))
    axes.grid(alpha=0.25, linewidth=0.5)


def _few_legends(axes: Axes) -> tuple[list[Any], list[str]]:
    handles, labels = axes.get_legend_handles_labels()
    return handles[:MOST_LEGENDS], labels[:MOST_LEGENDS]


def _rows(drawn: Drawn, label: str, span: Span) -> dict[str, dict[str, float]]:
    rows: dict[str, dict[str, float]] = {}
    for answer in drawn.answers:
        for curve in answer.curves:
            if curve.times[-1] >= span.end - 5 * 60 and label in curve.labels:
                rows.setdefault(curve.labels[label], {})[answer.legend] = curve.values[-1]
    return rows


def _cell(panel: Mapping[str, Any], heading: str, value: float | None) -> str:
    if value is None:
        return UNDEFINED
    unit = "short"
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["options"] == heading:
            for each in override["properties"]:
                unit = each["value"] if each["id"] == "unit" else unit
                states = _states(each["value"]) if each["id"] == "mappings" else {}
                if value in states:
                    return states[value][0]
    return in_unit(value, unit)


def _states(mappings: list[Mapping[str, Any]]) -> dict[float, tuple[str, str]]:
    """Words and colour by value."""
    return {
        float(value): (shown["text"], shown["color"])
        for mapping in mappings
        for value, shown in mapping["options"].items()
    }


def in_unit(value: float, unit: str) -> str:
    """A value as Grafana writes it in that unit.

    Examples:
        >>> in_unit(0.5, "percentunit"), in_unit(90, "s"), in_unit(7200, "s"), in_unit(3, "short")
        ('50 %', '1.5 min', '2 h', '3')
    """
    if unit == "percentunit":
        return f"{100 * value:.3g} %"
    if unit == "s":
        for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
            if abs(value) >= size:
                return f"{value / size:.3g} {name}"
        return f"{value:.3g} s"
    return f"{value:.3g}" if abs(value) < 10_000 else f"{value / 1000:.3g} K"
