"""One class name stands for one thing in all that is delivered."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_no_two_classes_bear_the_same_name() -> None:
    places = defaultdict(list)
    for top in ("segwatch", "services", "research", "deploy"):
        for file in sorted((ROOT / top).rglob("*.py")):
            for node in ast.parse(file.read_text()).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(str(file.relative_to(ROOT)))
    assert places, "no class was found at all"
    assert {name: files for name, files in places.items() if len(files) > 1} == {}
