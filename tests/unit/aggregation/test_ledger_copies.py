"""Copies of the ledger: what is put back is what was there, and no copy goes that somebody may need."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from segwatch.contracts.topics import LEDGER
from segwatch.errors import BadInput
from segwatch.streaming.copies import restore, save, thin_out
from segwatch.streaming.log import Outgoing
from tests.support.site_world import World, scored

STUDIES = [scored(number) for number in range(130)]
DAY = datetime(2026, 3, 1, tzinfo=UTC)


def epochs(world: World) -> int:
    return len({each.figures.epoch for each in world.blocks()})


def test_a_ledger_that_was_put_back_goes_on_as_if_it_had_never_been_away(world: World, tmp_path: Path):
    world.add(STUDIES[:50])
    world.run(world.service())
    before = list(world.log.records[LEDGER])
    copy, number = save(world.log, LEDGER, tmp_path, DAY)
    assert number == len(before)
    assert copy.stat().st_mode & 0o077 == 0
    world.log.records[LEDGER].clear()

    assert restore(world.log, copy) == (LEDGER, 0, number)

    assert [(r.key, r.value, r.headers) for r in world.log.records[LEDGER]] == [
        (r.key, r.value, r.headers) for r in before
    ]
    world.add(STUDIES[50:90])
    world.run(world.service())
    assert epochs(world) == 1
    assert world.covered("pulse") == [study.study for study in STUDIES[:80]]


def test_a_ledger_put_back_from_an_old_copy_counts_no_study_twice(world: World, tmp_path: Path):
    world.add(STUDIES[:30])
    world.run(world.service())
    copy, _ = save(world.log, LEDGER, tmp_path, DAY)
    world.add(STUDIES[30:60])
    world.run(world.service())
    world.log.records[LEDGER].clear()

    restore(world.log, copy)

    world.run(world.service())  # the release topic and the audit log show what the copy lacks
    world.add(STUDIES[60:90])
    world.run(world.service())
    assert epochs(world) == 2
    assert world.covered("pulse") == [study.study for study in (*STUDIES[:20], *STUDIES[60:80])]


def test_a_restore_that_was_broken_off_is_gone_on_with(world: World, tmp_path: Path):
    world.add(STUDIES[:50])
    world.run(world.service())
    copy, number = save(world.log, LEDGER, tmp_path, DAY)
    whole = [each.value for each in world.log.records[LEDGER]]
    del world.log.records[LEDGER][1:]

    assert restore(world.log, copy) == (LEDGER, 1, number - 1)
    assert restore(world.log, copy) == (LEDGER, number, 0)
    assert [each.value for each in world.log.records[LEDGER]] == whole


def test_a_ledger_that_says_something_else_is_left_alone(world: World, tmp_path: Path):
    world.add(STUDIES[:30])
    world.run(world.service())
    copy, _ = save(world.log, LEDGER, tmp_path, DAY)
    world.log.records[LEDGER].clear()
    world.run(world.service())  # it ran before anything was put back: a new epoch
    after = list(world.log.records[LEDGER])

    with pytest.raises(BadInput, match="nothing was put back"):
        restore(world.log, copy)

    assert world.log.records[LEDGER] == after


@pytest.mark.parametrize("damaged", [b"", b"no gzip", gzip.compress(b"no json\n")])
def test_a_damaged_copy_puts_nothing_back(world: World, tmp_path: Path, damaged: bytes):
    world.add(STUDIES[:50])
    world.run(world.service())
    copy, _ = save(world.log, LEDGER, tmp_path, DAY)
    world.log.records[LEDGER].clear()
    copy.write_bytes(damaged or copy.read_bytes()[:-20])

    with pytest.raises(BadInput, match=r"no (whole )?copy"):
        restore(world.log, copy)

    assert world.log.records[LEDGER] == []


def test_old_copies_go_and_the_newest_stay(world: World, tmp_path: Path):
    for day in range(5):
        world.add(STUDIES[20 * day : 20 * day + 20])
        world.run(world.service())
        save(world.log, LEDGER, tmp_path, DAY + timedelta(days=day))
        assert thin_out(tmp_path, LEDGER, keep=3) == []

    assert [each.name.split("-")[1][:8] for each in sorted(tmp_path.iterdir())] == [
        "20260303",
        "20260304",
        "20260305",
    ]


def test_a_copy_that_holds_what_the_newest_lacks_is_never_removed(world: World, tmp_path: Path):
    world.add(STUDIES[:50])
    world.run(world.service())
    precious, _ = save(world.log, LEDGER, tmp_path, DAY)
    world.log.records[LEDGER].clear()
    for day in range(1, 5):
        world.log.append(Outgoing(LEDGER, b"hospital-a", b"%d" % day))
        save(world.log, LEDGER, tmp_path, DAY + timedelta(days=day))
        assert thin_out(tmp_path, LEDGER, keep=2) == [precious]

    assert len(list(tmp_path.iterdir())) == 3
