"""A cell of a table of figures as HTML."""

from segwatch.statistics.set_figures import Cell, in_brackets


def html(shown: Cell) -> str:
    """The text, and the interval in small print; a dash where there is neither."""
    small = [] if shown.interval is None else [f"<small>{in_brackets(shown.interval)}</small>"]
    return " ".join([*filter(None, [shown.text]), *small]) or "–"
