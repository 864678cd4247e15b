"""Machine code of an image is laid out where numba may write; without it everything goes on."""

from pathlib import Path

import pytest

from segwatch.compiled_code import FOLDER, lay_out


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "built" / "kernels").mkdir(parents=True)
    (tmp_path / "built" / "kernels" / "it.nbi").write_bytes(b"code")
    return tmp_path / "built"


def test_it_is_copied_where_numba_looks(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path / "numba"))
    lay_out(built)
    assert (tmp_path / "numba" / "kernels" / "it.nbi").read_bytes() == b"code"


def test_it_is_copied_beside_what_numba_made_when_it_was_imported(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numba" / "kernels").mkdir(parents=True)
    (tmp_path / "numba" / "kernels" / "other.nbi").write_bytes(b"compiled here")
    monkeypatch.setenv(FOLDER, str(tmp_path / "numba"))
    lay_out(built)
    assert {each.name for each in (tmp_path / "numba" / "kernels").iterdir()} == {"it.nbi", "other.nbi"}


def test_without_an_image_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path / "numba"))
    lay_out(tmp_path / "none")
    assert not (tmp_path / "numba").exists()


def test_a_place_that_cannot_be_written_is_said_and_stops_nothing(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(FOLDER, str(tmp_path / "file" / "numba"))
    lay_out(built)
    assert "will wait for a compiler" in caplog.text
