"""Times in messages: in UTC whatever zone a writer names."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from segwatch.contracts.base import Moment

MOMENT = TypeAdapter(Moment)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-23T08:00:00Z", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("2026-11-23T08:00:00", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("2026-11-23T08:00:00+05:00", datetime(2026, 11, 23, 3, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_in_utc(written, meant):
    read = MOMENT.validate_python(written)

    assert (read, read.tzinfo) == (meant, UTC)


@given(st.datetimes(timezones=st.none() | st.timezones()))
def test_every_time_that_may_be_written_can_be_compared_and_written_in_utc(moment):
    read = MOMENT.validate_python(moment)

    assert read.astimezone(UTC) == read
    assert abs((read - moment.replace(tzinfo=UTC)).total_seconds()) <= timedelta(hours=24).total_seconds()


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"])
def test_a_wrong_clocks_time_that_is_none_in_utc_is_still_read(written):
    assert MOMENT.validate_python(written).year in {1, 9999}
