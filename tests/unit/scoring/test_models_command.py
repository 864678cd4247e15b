"""`segwatch models`: lists, shows and verifies bundles, and refuses what the service would refuse."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from segwatch.cli import main


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["segwatch", "models", *words])
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_a_sound_bundle_is_listed_shown_and_verified(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "verify", str(bundle)) == 0
    assert run(monkeypatch, "list", str(bundle.parent)) == 0
    assert run(monkeypatch, "show", str(bundle)) == 0
    out = capsys.readouterr().out
    assert out.count("lr-paper4 (lr on paper4: 4 features)") == 2
    assert "auroc" in out
    assert "# card" in out


def test_a_card_is_shown_without_what_would_load_the_model(bundle: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from segwatch.scoring.cli import show;"
        f"show(Path({str(bundle)!r})); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "# card" in done.stdout
    assert not {"sklearn", "skops", "torch"} & set(done.stdout.split())


def test_a_changed_bundle_is_refused_with_its_reason(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with (bundle / "model.skops").open("ab") as file:
        file.write(b"x")
    for command in ("verify", "show"):
        assert run(monkeypatch, command, str(bundle)) == 2
        assert "is not the file that its manifest names" in capsys.readouterr().err
    assert run(monkeypatch, "list", str(bundle.parent)) == 0
    assert "refused" in capsys.readouterr().out


def test_a_folder_without_scorers_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lesion").mkdir()
    (tmp_path / "lesion" / "manifest.json").write_text(json.dumps({"format": "another"}))
    assert run(monkeypatch, "list", str(tmp_path)) == 2
    assert "holds none" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["demo-scorer"])
def test_the_bundles_that_come_with_the_product_load(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "verify", str(Path("deploy/models") / name)) == 0
