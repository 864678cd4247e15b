"""What a module of the repository imports, followed through the repository's own modules."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

OURS = ("segwatch", "services", "research")


def third_party(root: Path, *modules: str) -> dict[str, str]:
    """Names from outside that the modules reach, also lazily, each with a file that imports it."""
    todo, seen, found = list(modules), set[str](), dict[str, str]()
    while todo:
        name = todo.pop()
        file = _file_of(root, name)
        if name in seen or file is None:
            continue
        seen.add(name)
        for imported in _imports(ast.parse(file.read_text())):
            top = imported.split(".")[0]
            if top in OURS:
                todo.append(imported)
            elif top not in sys.stdlib_module_names:
                found.setdefault(top, str(file.relative_to(root)))
    return found


def _file_of(root: Path, module: str) -> Path | None:
    place = root.joinpath(*module.split("."))
    return next((each for each in (place.with_suffix(".py"), place / "__init__.py") if each.exists()), None)


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
        else:
            yield from _imports(node)
