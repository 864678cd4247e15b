"""The rooms of the local stack stand on one another in one order."""

import ast
from pathlib import Path

import deploy.local

ROOT = Path(deploy.local.__file__).parent
FLOORS = ("machine", "kafka", "stack", "judge", "story", "show")
COMMANDS = len(FLOORS)
"""Command files lie above all rooms."""


def floor_of(parts: list[str]) -> int:
    return FLOORS.index(parts[0]) if parts[0] in FLOORS else COMMANDS


def imports(file: Path) -> list[str]:
    """The local stack's modules that the file names, without the common beginning."""
    nodes = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom))
    modules = (node.module or "" for node in nodes)
    return [name.removeprefix("deploy.local.") for name in modules if name.startswith("deploy.local.")]


def test_no_room_knows_one_above_it():
    files = list(ROOT.rglob("*.py"))
    wrong = [
        (str(file.relative_to(ROOT)), name)
        for file in files
        for name in imports(file)
        if floor_of(name.split(".")) > floor_of(list(file.relative_to(ROOT).parts))
    ]
    assert len(files) > 40
    assert wrong == []
