"""Who imports whom: rooms stand on floors, the library knows no process, and a service no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOPS = ("segwatch", "services", "research", "deploy", "tests", "benchmarks", "examples")
Floors = tuple[tuple[str, ...], ...]
FLOORS: Floors = (
    ("errors", "extras", "arrays", "compiled_code", "files", "markup", "processes", "terminal"),
    ("contracts", "dashboards", "detection", "ingest", "progress", "tar_files"),
    ("volumes", "streaming", "scoring", "server"),
    ("phantoms", "features", "statistics", "archive", "serving", "dicom_masks", "keeper"),
    ("segmentation", "aggregation", "federation", "intake"),
    ("cohorts", "decisions", "preflight"),
    ("training",),
    ("evaluation",),
    ("onboarding",),
    ("__init__",),
    ("cli",),
)
"""Rooms of `segwatch`, the lowest floor first. A new room is put on the floor above all that it imports.
`__init__` is the face: what `import segwatch` shows."""
OF_AGGREGATION: Floors = (
    ("mechanism",),
    ("ledger",),
    ("audit_log",),
    ("aggregation",),
    ("trial",),
    ("tools",),
)
"""The same for the rooms inside `segwatch/aggregation`; `aggregation` is its files that are in none."""
Arrow = tuple[str, str]
"""Who imports, and what: a path, and a full dotted name."""


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


def below(path: str, depth: int) -> str:
    """The folder or file at a depth: of `segwatch/aggregation/books.py` at 1 it is the room."""
    return Path(path).parts[depth].removesuffix(".py")


def upward(found: list[Arrow], floors: Floors, *, within: str, itself: str) -> list[Arrow]:
    """Those that lead from a room to another that is not on a lower floor.

    Args:
        found: arrows; those that leave the folder are not looked at.
        floors: the rooms of the folder.
        within: the folder, from the root.
        itself: what stands for the folder's files that are in no room.
    """
    height = {room: floor for floor, rooms in enumerate(floors) for room in rooms}
    depth = len(Path(within).parts)

    def room(path: str) -> str:
        name = below(path, depth)
        return name if name in height else itself

    inside = [arrow for arrow in found if f"{arrow[1]}.".startswith(f"{within.replace('/', '.')}.")]
    rooms = {arrow: (room(arrow[0]), room(arrow[1].replace(".", "/"))) for arrow in inside}
    return [
        arrow for arrow, (here, there) in rooms.items() if here != there and height[there] >= height[here]
    ]


def test_a_room_imports_lower_floors_only():
    assert upward(arrows("segwatch"), FLOORS, within="segwatch", itself="__init__") == []


def test_a_room_of_aggregation_imports_lower_floors_only():
    found = arrows("segwatch/aggregation")

    assert upward(found, OF_AGGREGATION, within="segwatch/aggregation", itself="aggregation") == []


def test_every_room_stands_on_one_floor():
    assert sorted(room for floor in FLOORS for room in floor) == rooms_in("segwatch", files=True)
    inner = sorted(room for floor in OF_AGGREGATION for room in floor if room != "aggregation")
    assert inner == rooms_in("segwatch/aggregation", files=False)


def rooms_in(folder: str, *, files: bool) -> list[str]:
    here = (ROOT / folder).iterdir()
    return sorted(
        path.stem for path in here if (path / "__init__.py").exists() or (files and path.suffix == ".py")
    )


@pytest.mark.parametrize(
    ("folder", "floors"), [("segwatch", FLOORS), ("segwatch/aggregation", OF_AGGREGATION)]
)
def test_the_page_shows_the_floors(folder: str, floors: Floors):
    page = (ROOT / "docs/architecture.md").read_text()
    table = page.split(f"| floor | rooms of `{folder}` | hold |\n")[1].split("\n\n")[0]
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", table, re.MULTILINE)

    shown = [(int(floor), tuple(re.findall(r"`(\w+)`", rooms))) for floor, rooms in rows]
    assert shown == list(reversed(list(enumerate(floors))))


def test_the_library_knows_no_process_and_no_laboratory():
    assert [(file, name) for file, name in arrows("segwatch") if not name.startswith("segwatch")] == []


def test_a_service_stands_on_the_library_alone():
    others = [
        (file, name)
        for file, name in arrows("services")
        if not name.startswith(("segwatch.", f"services.{below(file, 1)}."))
    ]

    assert others == []


@pytest.mark.parametrize("top", ["research", "deploy", "examples"])
def test_nobody_but_tests_and_benchmarks_imports_a_service(top: str):
    assert [(file, name) for file, name in arrows(top) if name.startswith("services")] == []


@pytest.mark.parametrize(("top", "other"), [("research", "deploy"), ("deploy", "research")])
def test_laboratory_and_stack_are_apart(top: str, other: str):
    assert [(file, name) for file, name in arrows(top) if name.startswith(other)] == []


def test_an_arrow_to_the_same_floor_or_a_higher_is_found():
    floors = (("low",), ("left", "right"), ("face",))

    def wrong(file: str, name: str) -> bool:
        return upward([(file, name)], floors, within="top", itself="face") != []

    assert wrong("top/left/file.py", "top.right.thing")
    assert wrong("top/low.py", "top.left.thing")
    assert wrong("top/left/file.py", "top.thing")
    assert not wrong("top/left/file.py", "top.low.thing")
    assert not wrong("top/left/file.py", "top.left.other")
    assert not wrong("top/__init__.py", "top.right.thing")
