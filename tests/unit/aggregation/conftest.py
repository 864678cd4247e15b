"""An empty site for each test."""

import pytest

from tests.support.site_world import World


@pytest.fixture
def world() -> World:
    """A site whose log is empty."""
    return World()
