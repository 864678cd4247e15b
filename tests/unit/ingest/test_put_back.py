"""The way back for a rejected entry of the inbox, which needs no ingest."""

from pathlib import Path

import pytest

from segwatch.errors import CannotReplay
from segwatch.ingest.inbox import put_back


@pytest.mark.parametrize("entry", ["../secret", ".rejected", "a/b", ""])
def test_an_entry_that_is_no_plain_name_is_not_moved(tmp_path: Path, entry: str) -> None:
    with pytest.raises(CannotReplay, match="plain name"):
        put_back(tmp_path, entry)


def test_a_rejected_entry_comes_back_into_the_inbox(tmp_path: Path) -> None:
    with pytest.raises(CannotReplay, match="--inbox"):
        put_back(None, "case")
    with pytest.raises(CannotReplay, match="cannot be moved back"):
        put_back(tmp_path, "case")
    (tmp_path / ".rejected" / "case").mkdir(parents=True)
    put_back(tmp_path, "case")
    assert (tmp_path / "case").is_dir()
    (tmp_path / ".rejected" / "case").mkdir()
    with pytest.raises(CannotReplay, match="move it away first"):
        put_back(tmp_path, "case")
