"""A made-up cohort, for every room that reads, judges or learns from one."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from segwatch.cohorts.table import Cohort


@pytest.fixture
def make_cohort() -> "Callable[..., Cohort]":
    from tests.support.cohorts import made_up  # most rooms' tests need no pyarrow

    return made_up
