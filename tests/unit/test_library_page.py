"""docs/library.md does what it says, and names the whole face."""

import re
from pathlib import Path

import pytest

import segwatch
from segwatch import errors

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/library.md").read_text()


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def test_its_blocks_run_one_after_the_other(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, object] = {}

    for block in blocks:
        exec(compile(block, "docs/library.md", "exec"), names)

    assert len(blocks) == 4
    assert names["measures"] != names["on_grid"]


def test_it_names_the_whole_face():
    rows = re.findall(r"^\| [a-z ]+ \| (`.*) \|$", section("The whole face"), re.MULTILINE)

    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(segwatch.__all__)


def test_the_errors_that_it_names_are_of_the_one_tree():
    named = re.findall(r"^\| `(\w+)` \|", section("What is refused"), re.MULTILINE)

    assert len(named) == 5
    assert all(issubclass(getattr(errors, name), segwatch.SegwatchError) for name in named)
