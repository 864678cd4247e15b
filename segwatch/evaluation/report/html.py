"""The pieces of HTML that every section of the report is made of."""

from collections.abc import Iterable, Sequence

from segwatch.statistics.set_figures import Cell, in_brackets


def table(head: str, rows: Iterable[Sequence[str]], texts: int = 1) -> str:
    """A table of rows that are HTML already, the first `texts` columns of which are words."""
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{' class=text' if number < texts else ''}>{shown}</td>" for number, shown in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>\n'


def html(shown: Cell) -> str:
    """The text, and the interval in small print; a dash where there is neither."""
    small = [] if shown.interval is None else [f"<small>{in_brackets(shown.interval)}</small>"]
    return " ".join([*filter(None, [shown.text]), *small]) or "–"


def bullets(items: Iterable[str]) -> str:
    """A list of items that are HTML already."""
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>\n"


def note(text: str) -> str:
    """A paragraph that stands out."""
    return f'<p class="note">{text}</p>\n'
