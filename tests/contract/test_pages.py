"""Every page cites what is there: files, modules, names in a file, commands, pages with their headings."""

import ast
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
from typer.main import get_command

from research.__main__ import app as research
from segwatch.cli import app as segwatch
from segwatch.contracts.topics import HOSPITAL_TOPICS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *sorted(set(ROOT.glob("*.md")) - {ROOT / "CHANGELOG.md"}),
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("docs/operations/*.md")),
    *sorted(ROOT.glob("services/*/README.md")),
    *sorted(ROOT.glob("deploy/runbooks/*.md")),
    *(ROOT / folder / "README.md" for folder in ("benchmarks", "requirements", "schemas")),
]
CODE = ("segwatch", "services", "research", "deploy", "tests", "benchmarks", "examples")
SHOWN = re.compile(r"`([^`\n]+)`")
PLACEHOLDER = re.compile(r"\b[A-Z]{2,}\b")
"""`services/NAME/settings.py` stands for every service's."""
COMMAND = r"(?:\.venv/bin/)?(segwatch|python -m research) "
MADE = {".build", ".run", ".venv"}
"""Folders that are made on a machine, and are in no commit."""
PATHS = [str(path.relative_to(ROOT)) for top in CODE for path in (ROOT / top).rglob("*.py")]


def words(page: Path) -> list[str]:
    """What a page sets apart as code, word by word, and what it has `python -m` run."""
    text = page.read_text()
    run = re.findall(r"python -m ([\w.]+)", text)
    return [*run, *(word.strip(",:;()") for shown in SHOWN.findall(text) for word in shown.split())]


def is_path(word: str) -> bool:
    known = word.split("/")[0] in {each.name for each in ROOT.iterdir()} - MADE and "/" in word
    return re.fullmatch(r"[\w.*/-]+", word) is not None and (known or word.endswith(".py"))


def is_module(word: str) -> bool:
    if word in HOSPITAL_TOPICS or re.search(r"\.v\d|\*", word):
        return False
    return re.fullmatch(rf"({'|'.join(CODE)})(\.\w+)+", word) is not None


def there(path: str) -> bool:
    """Whether a path from the root, or the end of a Python file's, is that of something in the repository."""
    pattern = PLACEHOLDER.sub("*", path.rstrip("/"))
    if any(ROOT.glob(pattern)):
        return True
    return any(fnmatch(f"/{each}", f"*/{pattern}") for each in PATHS)


def importable(name: str) -> bool:
    """Whether a dotted name is a module's, or a name's that a module has."""
    parts = [PLACEHOLDER.sub("*", part) for part in name.split(".")]
    if there("/".join(parts)) or there("/".join(parts) + ".py"):
        return True
    files = [*ROOT.glob("/".join(parts[:-1]) + ".py"), *ROOT.glob("/".join(parts[:-1]) + "/__init__.py")]
    return any(parts[-1] in names_in(file) for file in files)


def names_in(file: Path) -> set[str]:
    """Everything that a file defines, methods and attributes too; of a package, what it passes on as well."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.ImportFrom) and file.name == "__init__.py":
            found |= {alias.asname or alias.name for alias in node.names}
    return found


def command_lines(text: str) -> list[tuple[str, str]]:
    """Each command of ours that is shown: its name, and what follows it."""
    lines = text.replace("\\\n", " ")
    blocks = [
        *re.findall(r"^```\w*\n(.*?)^```", lines, re.MULTILINE | re.DOTALL),
        *re.findall(r"(?m)^ {4}.*$", lines),
    ]
    shown = re.findall(rf"`{COMMAND}([^`]+)`", text)
    return shown + [
        line for block in blocks for line in re.findall(rf"(?m)^ *(?:.*-- )?{COMMAND}([^\n#]+)", block)
    ]


def unknown_words(name: str, line: str) -> list[str]:
    """Sub-commands and options of a command line that there are not."""
    command = get_command({"segwatch": segwatch, "python -m research": research}[name])
    words = re.findall(r"[^\s|\[\]…]+", line)
    while words and (inner := getattr(command, "commands", {}).get(words[0])):
        command, words = inner, words[1:]
    options = {
        "--help",
        *(option for each in command.params for option in (*each.opts, *each.secondary_opts)),
    }
    return [
        word
        for place, word in enumerate(words)
        if (word.startswith("--") and word.strip(",.") not in options)
        or (place == 0 and hasattr(command, "commands") and not word.startswith("--"))
    ]


def anchors(page: Path) -> set[str]:
    """Headings as links name them, and anchors set by hand."""
    text = page.read_text()
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    return made | set(re.findall(r'<a id="([\w-]+)">', text))


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_file_and_module_that_a_page_names_is_there(page: Path):
    cited = words(page)

    assert [word for word in cited if is_path(word) and not there(word)] == []
    assert [word for word in cited if is_module(word) and not importable(word)] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_what_a_page_says_is_in_a_file_is_in_it(page: Path):
    text = page.read_text()
    pairs = [(name, path) for name, path in re.findall(r"`([\w.]+)`\s+in\s+`([\w./]+\.py)`", text)]
    pairs += [(name, path) for path, name in re.findall(r"`([\w./]+\.py)`, `([\w.]+)`", text)]
    cited = [(name, path) for name, path in pairs if not name.endswith(".py")]

    for name, path in cited:
        files = [ROOT / each for each in PATHS if f"/{each}".endswith(f"/{path}")]
        assert any(set(name.split(".")) <= names_in(file) for file in files), f"{name} in {path}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        leads = (page.parent / path).resolve() if path else page
        assert leads.exists(), target
        assert not anchor or anchor in anchors(leads), target


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_that_a_page_shows_is_there_with_its_options(page: Path):
    lines = command_lines(page.read_text())

    assert {line: wrong for name, line in lines if (wrong := unknown_words(name, line))} == {}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("see `segwatch privacy\nexplain --in-force`", []),
        ("`segwatch cohort make`", ["make"]),
        ("    segwatch train --cohort TABLE \\\n        --gone 1   # why", ["--gone"]),
        ("```\nkubectl exec POD -- segwatch deadletters replay ID… | --all [--agian]\n```", ["--agian"]),
        ("`python -m research evidence --folder F`", []),
    ],
)
def test_a_command_that_is_not_there_is_found(text: str, wrong: list[str]):
    assert [word for line in command_lines(text) for word in unknown_words(*line)] == wrong


@pytest.mark.parametrize(
    ("word", "wrong"),
    [
        ("segwatch/streaming/gone.py", True),
        ("gone.py", True),
        ("services/NAME/gone.py", True),
        ("segwatch/streaming/stage.py", False),
        ("services/NAME/settings.py", False),
        ("deploy/policy/gone.yaml", True),
    ],
)
def test_a_path_that_leads_nowhere_is_found(word: str, wrong: bool):
    assert is_path(word)
    assert there(word) is not wrong


@pytest.mark.parametrize(
    ("word", "wrong"),
    [
        ("segwatch.gone", True),
        ("segwatch.streaming.stage.Gone", True),
        ("services.NAME", False),
        ("segwatch.streaming.stage.Stage", False),
    ],
)
def test_a_module_that_is_not_there_is_found(word: str, wrong: bool):
    assert is_module(word)
    assert importable(word) is not wrong
