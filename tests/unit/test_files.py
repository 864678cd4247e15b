"""Files that are whole or not there, and results that a stopped run finds again."""

from pathlib import Path

import numpy as np
import pytest

from segwatch import files
from segwatch.files import Finished, finished_arrays, finished_rows, whole_file, whole_folder, write_whole

STOPS = [KeyboardInterrupt, OSError, SystemExit]


def test_a_file_is_replaced_when_the_block_ends_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    with whole_file(path) as beside:
        beside.write_text("new")
        assert path.read_text() == "old"
        assert beside.name.startswith(".")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("stop", STOPS)
def test_a_file_whose_writing_fails_stays_as_it_was_and_nothing_is_left(
    stop: type[BaseException], tmp_path: Path
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")

    def half() -> None:
        with whole_file(path) as beside:
            beside.write_text("ha")
            raise stop

    with pytest.raises(stop):
        half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("stop", STOPS)
def test_a_folder_appears_with_all_its_files_or_not_at_all(stop: type[BaseException], tmp_path: Path) -> None:
    folder = tmp_path / "new" / "case"

    def filled(*, fails: bool) -> None:
        with whole_folder(folder) as hidden:
            (hidden / "ct.nii.gz").touch()
            assert hidden.name.startswith(".")
            if fails:
                raise stop

    with pytest.raises(stop):
        filled(fails=True)
    assert list(folder.parent.iterdir()) == []
    filled(fails=False)
    assert [path.name for path in folder.iterdir()] == ["ct.nii.gz"]
    assert list(folder.parent.iterdir()) == [folder]


def test_a_folder_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "theirs").touch()
    with pytest.raises(OSError, match="not empty"), whole_folder(tmp_path / "case") as hidden:
        (hidden / "ours").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["case", "theirs"]


def test_the_longest_name_that_a_file_can_have_can_be_written(tmp_path: Path) -> None:
    write_whole(tmp_path / ("x" * 255), "text")
    assert (tmp_path / ("x" * 255)).read_text() == "text"


def test_a_durable_file_is_on_the_disk_before_its_name_is_and_then_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed = []
    monkeypatch.setattr(
        files, "flush", lambda path: flushed.append((path.name, (tmp_path / "object").exists()))
    )
    with whole_file(tmp_path / "object", durable=True) as beside:
        beside.write_bytes(b"data")
    assert flushed == [(beside.name, False), (tmp_path.name, True)]


def resumed(
    finished: Finished[dict[str, int]], tasks: list[int], made: list[int]
) -> dict[int, dict[str, int]]:
    def make(missing: list[int]):
        for task in missing:
            made.append(task)
            yield task, {"square": task * task}

    return dict(finished.resume(tasks, str, make))


def test_a_second_run_makes_only_what_is_missing_or_damaged(tmp_path: Path) -> None:
    finished, made = finished_rows(tmp_path / "rows"), []
    assert resumed(finished, [1, 2], made) == {1: {"square": 1}, 2: {"square": 4}}
    (tmp_path / "rows" / "2.json").write_text('{"square":')
    assert resumed(finished, [1, 2, 3], made) == {1: {"square": 1}, 2: {"square": 4}, 3: {"square": 9}}
    assert made == [1, 2, 2, 3]


def test_what_was_finished_before_a_stop_is_there(tmp_path: Path) -> None:
    finished = finished_rows(tmp_path)

    def make(missing: list[int]):
        yield missing[0], {"done": 1}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(finished.resume([1, 2], str, make))
    assert finished.get("1") == {"done": 1}
    assert finished.get("2") is None


def test_a_result_lies_under_the_key_that_held_before_it_was_made(tmp_path: Path) -> None:
    finished, version = finished_rows(tmp_path), ["old"]

    def make(missing: list[int]):
        version[0] = "new"
        yield missing[0], {"read": 1}

    list(finished.resume([1], lambda task: f"{task}-{version[0]}", make))
    assert finished.get("1-old") == {"read": 1}
    assert finished.get("1-new") is None


def test_arrays_come_back_bit_by_bit(tmp_path: Path) -> None:
    arrays = {"dice": np.array([0.1, np.nan, -0.0]), "flags": np.array([True, False])}
    finished_arrays(tmp_path).put("key", arrays)
    found = finished_arrays(tmp_path).get("key")
    assert found is not None
    assert {name: (a.dtype, a.tobytes()) for name, a in found.items()} == {
        name: (a.dtype, a.tobytes()) for name, a in arrays.items()
    }
