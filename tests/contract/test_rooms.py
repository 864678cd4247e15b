"""Who imports whom: rooms stand on floors, the library knows no process, and a service no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOPS = ("segwatch", "services", "research", "deploy", "tests", "benchmarks", "examples")
FLOORS: tuple[tuple[str, ...], ...] = (
    ("errors", "extras", "files", "processes"),
    ("contracts",),
    ("volumes", "streaming", "scoring", "federation"),
    ("phantoms", "features", "aggregation"),
    ("segmentation",),
    ("cohorts",),
    ("statistics",),
    ("training",),
    ("evaluation",),
    ("__init__",),
    ("cli",),
)
"""Rooms of `segwatch`, the lowest floor first. A new room is put on the floor above all that it imports.
`__init__` is the face: what `import segwatch` shows."""
Arrow = tuple[str, str]
"""Who imports, and what: full dotted names."""


def imports_in(source: str) -> Iterator[str]:
    """Every module, or module and name, that a source imports anywhere, for types too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports here are written in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def arrows(top: str) -> list[Arrow]:
    """What the files below a folder import of this repository."""
    return [
        (str(file.relative_to(ROOT)), name)
        for file in sorted((ROOT / top).rglob("*.py"))
        for name in imports_in(file.read_text())
        if name.split(".")[0] in TOPS
    ]


def below(file: str) -> str:
    """The folder or file right below the first: the room, or the service."""
    return Path(file).parts[1].removesuffix(".py")


def upward(found: list[Arrow], floors: tuple[tuple[str, ...], ...]) -> list[Arrow]:
    """Those that lead from a room to another that is not on a lower floor."""
    height = {room: floor for floor, rooms in enumerate(floors) for room in rooms}

    def room(name: str) -> str:
        second = name.split(".")[1]
        return second if second in height else "__init__"

    between = [(file, name) for file, name in found if below(file) != room(name)]
    return [(file, name) for file, name in between if height[room(name)] >= height[below(file)]]


def test_a_room_imports_lower_floors_only():
    assert upward(arrows("segwatch"), FLOORS) == []


def test_every_room_stands_on_one_floor():
    rooms = {
        path.stem
        for path in (ROOT / "segwatch").iterdir()
        if (path / "__init__.py").exists() or path.suffix == ".py"
    }

    assert sorted(room for floor in FLOORS for room in floor) == sorted(rooms)


def test_the_page_shows_the_floors():
    page = (ROOT / "docs/architecture.md").read_text()
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", page, re.MULTILINE)

    assert [(int(floor), tuple(re.findall(r"`(\w+)`", rooms))) for floor, rooms in rows] == list(
        reversed(list(enumerate(FLOORS)))
    )


def test_the_library_knows_no_process_and_no_laboratory():
    assert [(file, name) for file, name in arrows("segwatch") if not name.startswith("segwatch")] == []


def test_a_service_stands_on_the_library_alone():
    others = [
        (file, name)
        for file, name in arrows("services")
        if not name.startswith(("segwatch.", f"services.{below(file)}."))
    ]

    assert others == []


@pytest.mark.parametrize("top", ["research", "deploy", "examples"])
def test_nobody_but_tests_and_benchmarks_imports_a_service(top: str):
    assert [(file, name) for file, name in arrows(top) if name.startswith("services")] == []


@pytest.mark.parametrize(("top", "other"), [("research", "deploy"), ("deploy", "research")])
def test_laboratory_and_stack_are_apart(top: str, other: str):
    assert [(file, name) for file, name in arrows(top) if name.startswith(other)] == []


def test_an_arrow_to_the_same_floor_or_a_higher_is_found():
    floors = (("low",), ("left", "right"))
    arrow = ("segwatch/left/file.py", "segwatch.right.thing")

    assert upward([arrow, ("segwatch/left/file.py", "segwatch.low.thing")], floors) == [arrow]
    assert upward([("segwatch/low.py", "segwatch.left.thing")], floors) != []
    assert upward([("segwatch/left/file.py", "segwatch.left.other")], floors) == []
