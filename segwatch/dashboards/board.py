"""Dashboards as files: read, given their links, and compared with what Grafana has."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from segwatch.errors import BadInput, in_one_line

GIVEN_BY_GRAFANA = ("id", "version", "iteration")
"""What Grafana writes into a dashboard that it stores; it says nothing about the content."""
RUNBOOKS = "${runbooks}"
"""Stands in links for what the address of every runbook begins with."""
NAMES = ("title", "refId", "name", "id")
"""What an entry of a list is known by, the first that it has."""
LONGEST = 160
Json: TypeAlias = Any
"""Whatever a JSON file may hold."""
_ABSENT = "(nothing)"


@dataclass(frozen=True)
class Board:
    """One dashboard. `source` says where it was read, for messages."""

    uid: str
    title: str
    content: Mapping[str, Any]
    source: str

    def fingerprint(self) -> str:
        """Of the content: the same for the same panels, whoever stores them."""
        return hashlib.sha256(json.dumps(essence(self.content), sort_keys=True).encode()).hexdigest()


def essence(content: Mapping[str, Any]) -> dict[str, Any]:
    """A dashboard without what Grafana writes into it."""
    return {name: value for name, value in content.items() if name not in GIVEN_BY_GRAFANA}


def read_boards(paths: Sequence[Path], runbooks: str | None = None) -> list[Board]:
    """The dashboards of files, and of the *.json of folders, in the order of their names.

    Args:
        paths: files and folders.
        runbooks: what the address of every runbook begins with; None leaves links to runbooks out.

    Raises:
        BadInput: a file cannot be read or is no dashboard, there is none, or two have one uid.
    """
    files = [file for path in paths for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])]
    if not files:
        raise BadInput(f"{', '.join(map(str, paths))}: no dashboard (*.json) is there")
    boards = [with_runbooks(_read(file), runbooks) for file in files]
    first: dict[str, Board] = {}
    for board in boards:
        if (other := first.setdefault(board.uid, board)) is not board:
            raise BadInput(f"{board.source} and {other.source} have the same uid {board.uid!r}")
    return boards


def _read(file: Path) -> Board:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{file}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise BadInput(f"{file}: is no JSON ({in_one_line(error)})") from error
    if not isinstance(content, dict) or not isinstance(content.get("panels"), list):
        raise BadInput(f"{file}: is no dashboard: Grafana's format has a list of panels")
    uid, title = (content.get(name) for name in ("uid", "title"))
    if not (isinstance(uid, str) and uid and isinstance(title, str) and title):
        raise BadInput(f"{file}: a dashboard needs its uid and its title, by which it is known in Grafana")
    return Board(uid, title, content, str(file))


def with_runbooks(board: Board, runbooks: str | None) -> Board:
    """The dashboard with links to runbooks that open; without any where nobody said where they are."""
    if runbooks is None:
        return replace(board, content=_without_runbooks(board.content))
    begin = runbooks if runbooks.endswith("/") else f"{runbooks}/"
    return replace(board, content=_replaced(board.content, begin))


def _without_runbooks(value: Json) -> Json:
    """Without the entries of lists whose `url` leads to a runbook."""
    if isinstance(value, dict):
        return {name: _without_runbooks(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_runbooks(each) for each in value if not _leads_to_runbook(each)]
    return value


def _leads_to_runbook(value: Json) -> bool:
    return isinstance(value, dict) and str(value.get("url", "")).startswith(RUNBOOKS)


def _replaced(value: Json, begin: str) -> Json:
    if isinstance(value, dict):
        return {name: _replaced(each, begin) for name, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each, begin) for each in value]
    return value.replace(RUNBOOKS, begin) if isinstance(value, str) else value


def differences(old: Json, new: Json, where: tuple[str, ...] = ()) -> Iterator[str]:
    """What is otherwise in `new`, a few lines for each place, in the order of the content.

    Examples:
        >>> print(*differences({"panels": [{"title": "A", "unit": "s"}]},
        ...                    {"panels": [{"title": "A", "unit": "h"}]}), sep="\\n")
        panels "A", unit:
          - s
          + h
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in dict.fromkeys((*old, *new)):
            yield from differences(old.get(name, _ABSENT), new.get(name, _ABSENT), (*where, name))
    elif isinstance(old, list) and isinstance(new, list) and _are_named(old) and _are_named(new):
        yield from _of_lists(old, new, where)
    elif old != new:
        yield f"{_shown_place(where)}:"
        yield f"  - {_shown(old)}"
        yield f"  + {_shown(new)}"


def _of_lists(old: list[Any], new: list[Any], where: tuple[str, ...]) -> Iterator[str]:
    before, after = _by_name(old), _by_name(new)
    *outer, last = where or ("",)
    for name in dict.fromkeys((*before, *after)):
        place = (*outer, f'{last} "{name}"')
        yield from differences(before.get(name, _ABSENT), after.get(name, _ABSENT), place)
    common = [name for name in before if name in after]
    if common != [name for name in after if name in before]:
        yield f"{_shown_place(where)}: in another order"


def _are_named(entries: list[Any]) -> bool:
    return all(isinstance(each, Mapping) and _name(each) for each in entries)


def _name(entry: Mapping[str, Any]) -> str:
    return next((str(entry[name]) for name in NAMES if entry.get(name) not in (None, "")), "")


def _by_name(entries: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Entries by their names; a second one of a name is called its second."""
    named: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        name, number = _name(entry), 1
        while (key := name if number == 1 else f"{name} ({number})") in named:
            number += 1
        named[key] = entry
    return named


def _shown_place(where: tuple[str, ...]) -> str:
    return ", ".join(where) or "the dashboard"


def _shown(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
