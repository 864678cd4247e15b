"""The audit log has one entry for each block that left, in the ledger's order, whatever happens meanwhile."""

import errno
import fcntl
import logging
import os
from collections.abc import Sequence

import pytest

from segwatch.aggregation import books
from segwatch.aggregation.audit_log import log_file
from segwatch.aggregation.audit_log.chain import name_of
from segwatch.aggregation.audit_log.verify import Findings, read_chain
from segwatch.contracts.audit import BlockReleased
from segwatch.contracts.ledger import EpochOpened
from segwatch.contracts.topics import LEDGER, RELEASE, SCORED
from segwatch.errors import AuditUnavailable, BadInput
from segwatch.streaming.log import Outgoing
from tests.support.site_world import World, scored

STUDIES = [scored(number) for number in range(260)]


def _names(world: World) -> list[str]:
    found = Findings()
    lines = read_chain(world.audit_log, found)
    assert not found.problems
    return [name_of(line.entry) for line in lines]


def _pulses(first: int, end: int, epoch: int = 1) -> list[str]:
    return [f"pulse {number} of epoch {epoch}" for number in range(first, end)]


def test_every_block_that_left_is_logged_to_the_byte_and_nothing_of_a_study_is(world: World) -> None:
    world.add(STUDIES[:105])
    world.run(world.service())
    lines = read_chain(world.audit_log, Findings())
    assert [name_of(line.entry) for line in lines] == [
        "the opening of epoch 1",
        *_pulses(0, 5),
        "portrait 0 of epoch 1",
    ]
    blocks = [line.entry for line in lines if isinstance(line.entry, BlockReleased)]
    assert [(b.key.encode(), b.value.encode(), b.timestamp_ms) for b in blocks] == [
        (r.key, r.value, r.timestamp_ms) for r in world.releases()
    ]
    text = world.audit_log.read_text()
    assert not [s for s in STUDIES if s.study in text or s.patient in text]


def test_a_block_is_logged_before_it_is_sent(world: World) -> None:
    logged: list[bool] = []

    def look(records: Sequence[Outgoing]) -> None:
        if records[0].topic == RELEASE:
            logged.append((records[0].key or b"").decode() in world.audit_log.read_text())

    world.log.on_send = look
    world.add(STUDIES[:65])
    world.run(world.service())
    assert logged == [True, True, True]


def test_a_crash_between_logging_and_sending_leaves_one_entry_and_the_block_is_sent(world: World) -> None:
    world.add(STUDIES[:25])
    service = world.service()
    world.run_until_open(service)

    def crash(records: Sequence[Outgoing]) -> None:
        if records[0].topic == RELEASE:
            raise KeyboardInterrupt

    world.log.on_send = crash
    with pytest.raises(KeyboardInterrupt):
        world.run(service)
    world.log.on_send = lambda _records: None
    assert _names(world) == ["the opening of epoch 1", *_pulses(0, 1)]
    assert not world.log.records[RELEASE]
    world.run(world.service())
    assert _names(world) == ["the opening of epoch 1", *_pulses(0, 1)]
    assert len(world.log.records[RELEASE]) == 1


def test_a_crash_between_the_ledger_and_the_audit_log_is_made_good(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add(STUDIES[:25])
    service = world.service()
    world.run_until_open(service)
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            world.run(service)
    assert len(world.blocks()) == 1
    assert not world.log.records[RELEASE]
    world.run(world.service())
    assert _names(world) == ["the opening of epoch 1", *_pulses(0, 1)]


def _interrupted(_descriptor: int, _data: bytes, _offset: int) -> int:
    raise KeyboardInterrupt


@pytest.mark.parametrize("left", [1, 50])
def test_half_a_line_from_a_crash_is_made_whole_at_the_next_start(world: World, left: int) -> None:
    world.add(STUDIES[:45])
    world.run(world.service())
    whole = world.audit_log.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    world.audit_log.write_bytes(whole[: -len(last) + left])
    world.run(world.service())
    assert world.audit_log.read_bytes() == whole


@pytest.mark.parametrize("many", [1, 4, books.MANY])
def test_a_missing_file_is_made_again_from_the_ledger_to_the_byte(
    world: World, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(books, "MANY", many)  # so many entries are held in memory at most
    world.add(STUDIES[:130])
    service = world.run(world.service())
    whole = world.audit_log.read_bytes()
    world.audit_log.unlink()
    world.run(world.service())
    assert world.audit_log.read_bytes() == whole
    world.audit_log.rename(world.audit_log.with_suffix(".old"))  # under the service's feet
    world.add(STUDIES[130:145])
    world.run(service)
    world.run(service)
    assert world.audit_log.read_bytes().startswith(whole)
    assert _names(world)[-1] == "pulse 6 of epoch 1"


def test_two_services_on_one_file_log_each_block_once(world: World) -> None:
    one, two = world.service(), world.service()
    for start in range(0, 260, 20):
        world.add(STUDIES[start : start + 20])
        world.run(one if start % 40 else two)
        world.run(two if start % 40 else one)
    names = _names(world)
    assert len(names) == len(set(names)) == 1 + 13 + 2
    assert [name for name in names if name.startswith("pulse")] == _pulses(0, 13)


def test_a_zombie_that_logs_between_our_reading_and_writing_is_met(world: World) -> None:
    world.add(STUDIES[:60])
    ours, zombie = world.service(seed=1), world.service(seed=5)

    def slip_in(records: Sequence[Outgoing]) -> None:
        if records[0].topic == LEDGER and b'"block"' in (records[0].value or b""):
            world.log.on_send = lambda _records: None
            world.run(zombie)

    world.run_until_open(ours)
    world.log.on_send = slip_in
    world.run(ours)
    assert _names(world) == ["the opening of epoch 1", *_pulses(0, 3)]


def test_nothing_leaves_while_the_file_cannot_be_written_and_all_does_afterwards(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add(STUDIES[:45])
    service = world.service()
    world.run_until_open(service)
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", _disk_full)
        for _ in range(3):
            with pytest.raises(AuditUnavailable, match="No space left on device; nothing leaves"):
                world.run(service)
        assert not world.log.records[RELEASE]
    world.run(service)
    assert len(world.log.records[RELEASE]) == 2
    assert _names(world) == ["the opening of epoch 1", *_pulses(0, 2)]


def _disk_full(descriptor: int, data: bytes, offset: int) -> int:
    """Half of it is written, and no more."""
    os.lseek(descriptor, offset, os.SEEK_SET)
    os.write(descriptor, data[: len(data) // 2])
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_stopped_process_that_holds_the_file_is_waited_for_and_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_file, "LOCK_SECONDS", 0.1)
    world.add(STUDIES[:25])
    service = world.service()
    world.run_until_open(service)
    with world.audit_log.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(AuditUnavailable, match="does aggregation run twice"):
            world.run(service)
        assert not world.log.records[RELEASE]
    world.run(service)
    assert len(world.log.records[RELEASE]) == 1


def test_a_broken_chain_stops_the_service_and_names_the_line(world: World) -> None:
    world.add(STUDIES[:45])
    world.run(world.service())
    text = world.audit_log.read_text()
    world.audit_log.write_text(text.replace('"number\\":0', '"number\\":7', 1))
    with pytest.raises(BadInput, match=r"broken in line 2: it was changed"):
        world.service().step(0)


def test_a_folder_that_cannot_be_written_is_refused_at_start(world: World) -> None:
    world.audit_log.mkdir()
    with pytest.raises(BadInput, match="SEGWATCH_AUDIT_LOG"):
        world.service().step(0)


def test_ledger_and_release_topic_lost_together_open_a_new_epoch(world: World) -> None:
    """Without the audit log, epoch 1 would begin again and draw other noise for the same studies."""
    world.add(STUDIES[:60])
    world.run(world.service())
    world.log.records[LEDGER].clear()
    world.log.records[RELEASE].clear()
    world.run(world.service())
    (epoch,) = world.ledger()
    assert isinstance(epoch, EpochOpened)
    assert (epoch.epoch, epoch.from_offset) == (2, 60)
    world.add(STUDIES[60:85])
    world.run(world.service())
    assert world.covered("pulse") == [study.study for study in STUDIES[60:80]]
    assert _names(world) == [
        "the opening of epoch 1",
        *_pulses(0, 3),
        "the opening of epoch 2",
        *_pulses(0, 1, epoch=2),
    ]


def test_a_ledger_that_contradicts_the_log_is_not_released_again(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Ledger and release topic were put back to their beginning, and another process drew anew."""
    world.add(STUDIES[:45])
    world.run(world.service())
    kept = world.audit_log.read_bytes()
    del world.log.records[LEDGER][1:]
    world.log.records[RELEASE].clear()
    world.audit_log.unlink()
    world.run(world.service(seed=99))
    world.audit_log.write_bytes(kept)
    before = len(world.log.records[RELEASE])
    with caplog.at_level(logging.ERROR):
        world.run(world.service())
    assert "the ledger contradicts the audit log" in caplog.text
    assert len(world.log.records[RELEASE]) == before
    world.add(STUDIES[45:70])
    world.run(world.service())
    assert world.covered("pulse")[-20:] == [study.study for study in STUDIES[45:65]]
    assert _names(world)[-2:] == ["the opening of epoch 2", "pulse 0 of epoch 2"]


def test_the_log_survives_a_lost_scored_topic_and_a_damaged_ledger(world: World) -> None:
    world.add(STUDIES[:30])
    service = world.run(world.service())
    world.log.append(Outgoing(LEDGER, b"x", b"not a record"))
    world.log.records[SCORED].clear()
    world.add(STUDIES[30:60])
    world.run(service)
    world.run(world.service())
    world.add(STUDIES[60:100])
    world.run(world.service())
    names = _names(world)
    assert len(names) == len(set(names))
    logged = [line.entry for line in read_chain(world.audit_log, Findings())]
    values = [entry.value.encode() for entry in logged if isinstance(entry, BlockReleased)]
    assert values == [record.value for record in world.releases()]
