"""What is said where a command's extra is not installed."""

import pydoc
import sys
from pathlib import Path

import pytest

import segwatch
from segwatch import cli, extras

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("line", "extra"),
    [
        ("measure --ct a --lesion b", "features"),
        ("measure --out t.csv --cohort=c", "evaluation"),
        ("measure --ct a --figure f.png", "evaluation"),
        ("privacy explain", "aggregation"),
        ("privacy audit --policy p", "aggregation,evaluation"),
        ("deadletters list", None),
        ("", None),
    ],
)
def test_a_command_line_needs_the_extra_of_its_command_and_options(line: str, extra: str | None) -> None:
    assert extras.extra_of(line.split()) == extra


def test_a_missing_package_ends_a_command_with_the_extra_that_has_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "segwatch.scoring.bundle_files", None)
    monkeypatch.setattr(sys, "argv", ["segwatch", "models", "show", "."])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert 'segwatch: models needs `pip install "segwatch[scoring]"`' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "home", "extra"),
    [
        ("read_cohort", "segwatch.cohorts.table", "evaluation"),
        ("make_phantom", "segwatch.phantoms.phantom", "features"),  # scipy is not among `volumes`
    ],
)
def test_a_name_of_the_face_says_which_extra_it_needs(
    monkeypatch: pytest.MonkeyPatch, name: str, home: str, extra: str
) -> None:
    monkeypatch.delitem(vars(segwatch), name, raising=False)
    monkeypatch.setitem(sys.modules, home, None)
    needs = rf'segwatch.{name} needs `pip install "segwatch\[{extra}\]"`'
    with pytest.raises(ImportError, match=needs):
        getattr(segwatch, name)


def test_help_shows_what_can_be_had_where_an_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("Cohort", "Trained", "read_cohort", "train"):
        monkeypatch.delitem(vars(segwatch), name, raising=False)
    for module in ("pyarrow", "segwatch.cohorts.table", "segwatch.training.train"):
        monkeypatch.setitem(sys.modules, module, None)
    shown = pydoc.render_doc(segwatch)
    assert "measure_files(" in shown
    assert "read_cohort(" not in shown


def test_every_extra_that_is_named_is_one_of_the_wheels() -> None:
    named = {each for text in (*extras.ROOMS.values(), *extras.COMMANDS.values()) for each in text.split(",")}
    declared = (ROOT / "pyproject.toml").read_text()
    assert [extra for extra in named if f"\n{extra} = [" not in declared] == []
