"""Two hospitals' release topics at the centre, in memory."""

import pytest

from tests.support.memory_log import MemoryLog


@pytest.fixture
def centre() -> MemoryLog:
    """The centre's log, without topics."""
    return MemoryLog()
