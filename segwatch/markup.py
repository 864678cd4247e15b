"""The pieces of HTML that every page written here is made of. Words are escaped before they come here."""

from collections.abc import Iterable, Sequence


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


def bullets(items: Iterable[str]) -> str:
    """A list of items that are HTML already."""
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>\n"


def note(text: str) -> str:
    """A paragraph that stands out."""
    return f'<p class="note">{text}</p>\n'
