"""The heart beats only while blocks can close and leave."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from segwatch.aggregation.audit_log import log_file
from segwatch.aggregation.audit_log.log_file import has_room
from services.aggregation.__main__ import _open_epoch


def asked(audit_log: Path, *, ready: bool = True, epoch: int | None = 3) -> int | None:
    opened = None if epoch is None else SimpleNamespace(epoch=epoch)
    service: Any = SimpleNamespace(books=SimpleNamespace(ledger=SimpleNamespace(epoch=opened)))
    runtime: Any = SimpleNamespace(is_ready=lambda: ready, settings=SimpleNamespace(audit_log=audit_log))
    return _open_epoch(runtime, service)


def test_it_beats_while_the_books_are_open_and_the_audit_log_has_room(tmp_path: Path) -> None:
    assert asked(tmp_path / "audit.jsonl") == 3


@pytest.mark.parametrize("away", [{"ready": False}, {"epoch": None}])
def test_it_does_not_while_the_service_cannot_work(tmp_path: Path, away: dict[str, Any]) -> None:
    assert asked(tmp_path / "audit.jsonl", **away) is None


def test_it_does_not_while_the_audit_logs_disk_is_full_or_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked(tmp_path / "gone" / "audit.jsonl") is None
    monkeypatch.setattr(log_file, "ROOM_BYTES", 2**63)
    assert not has_room(tmp_path / "audit.jsonl")
    assert asked(tmp_path / "audit.jsonl") is None
