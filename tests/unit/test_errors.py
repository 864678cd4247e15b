"""The tree of errors: all are in its drawing, and each says when it is raised."""

import ast
from pathlib import Path

import pytest

from segwatch import errors

ROOT = Path(__file__).parents[2]
TREE = {name for name, found in vars(errors).items() if isinstance(found, type)}


def derived() -> dict[str, list[str]]:
    """Every class of the repository that derives from one of the tree, and the names it derives from."""
    found = {}
    for folder in ("segwatch", "services", "research", "deploy"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.ClassDef) and TREE & {ast.unparse(base) for base in node.bases}:
                    found[node.name] = [ast.unparse(base) for base in node.bases]
    return found


def test_the_drawing_holds_every_class_that_derives_from_the_root() -> None:
    drawn = errors.__doc__
    assert [name for name in {*TREE, *derived()} if name not in drawn] == []


@pytest.mark.parametrize("name", sorted(TREE))
def test_each_error_says_when_it_is_raised(name: str) -> None:
    assert getattr(errors, name).__doc__.endswith((".", ".\n    "))
    assert issubclass(getattr(errors, name), errors.SegwatchError)


def test_no_class_of_the_tree_is_two() -> None:
    elsewhere = set(derived()) - TREE
    assert elsewhere == {
        "ArchiveUnavailable",
        "GrafanaRefused",
        "InputUnavailable",
        "KubernetesUnavailable",
        "RefusedSource",
        "SpoolFull",
    }
