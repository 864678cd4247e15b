"""What is done with goes after its time, or earlier where the disk is full; what was rejected stays."""

import os
from pathlib import Path

import pytest

from segwatch.ingest.inbox import ANNOUNCED, ASIDE, RECEIPTS, REJECTED
from services.ingest.retention import DAY, HOUR, Retention, defaults
from services.ingest.spool import Room
from tests.support.senders import FULL, Disk

NOW = 1_800_000_000.0
TIMES = defaults(announced_hours=24, aside_days=7, rejected_days=90)
EMPTY = Room(1, usage=lambda _: Disk(2**40, 2**40))


def _lay_down(inbox: Path, folder: str, name: str, age: float) -> Path:
    entry = inbox / folder / name
    entry.mkdir(parents=True)
    (entry / "image.dcm").write_bytes(b"x")
    os.utime(entry, (NOW - age, NOW - age))
    return entry


@pytest.mark.parametrize(
    ("folder", "seconds"),
    [(ANNOUNCED, 24 * HOUR), (ASIDE, 7 * DAY), (REJECTED, 90 * DAY), (RECEIPTS, 90 * DAY)],
)
def test_each_folder_holds_what_lies_there_for_its_time_and_no_longer(tmp_path, folder, seconds):
    old = _lay_down(tmp_path, folder, "old", seconds + 60)
    young = _lay_down(tmp_path, folder, "young", seconds - 60)
    Retention(tmp_path, TIMES, EMPTY).sweep(NOW)
    assert (old.exists(), young.exists()) == (False, True)


def test_where_the_disk_is_full_copies_go_first_and_what_was_rejected_stays(tmp_path):
    made = {folder: _lay_down(tmp_path, folder, "young", 60) for folder in (ANNOUNCED, ASIDE, REJECTED)}
    shown: list[str] = []
    Retention(tmp_path, TIMES, FULL).sweep(NOW, lambda path: shown.append(path.name))
    assert {folder: path.exists() for folder, path in made.items()} == {
        ANNOUNCED: False,
        ASIDE: False,
        REJECTED: True,
    }
    assert shown == ["young"]


def test_no_more_is_removed_than_makes_room_and_the_oldest_first(tmp_path):
    old = _lay_down(tmp_path, ANNOUNCED, "old", 7200)
    young = _lay_down(tmp_path, ANNOUNCED, "young", 60)
    aside = _lay_down(tmp_path, ASIDE, "aside", 7200)
    room = Room(1, usage=lambda _: Disk(2**40, 2**30 if not old.exists() else 0))
    Retention(tmp_path, TIMES, room).sweep(NOW)
    assert (old.exists(), young.exists(), aside.exists()) == (False, True, True)


@pytest.mark.parametrize(
    ("megabytes", "percent", "left"),
    [(100, 0.0, 900), (0, 20.0, 800), (100, 20.0, 800), (300, 20.0, 700), (2000, 0.0, -1000)],
)
def test_the_larger_of_the_two_watermarks_holds(tmp_path, megabytes, percent, left):
    room = Room(megabytes, percent, lambda _: Disk(1000 * 2**20, 1000 * 2**20))
    assert room.left(tmp_path) == left * 2**20
