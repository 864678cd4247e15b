"""Reads a site's releases: whole, and quickly, since a start reads years of heartbeats."""

import re
from contextlib import suppress
from datetime import datetime

from segwatch.contracts.envelope import Headers, data_of, decode
from segwatch.contracts.release import SiteRelease
from segwatch.contracts.topics import RELEASE
from segwatch.errors import InvalidMessage
from segwatch.streaming.log import Record

_ID, _TIME = "ce_id", "ce_time"
_PLAIN_ID = re.compile(rb"[0-9a-f]{32}")


class ReleaseReader:
    """Reads records as releases. Of their headers only the event's id and time differ from one to the next,
    so those that are as the last good ones were need not be taken apart again; contents always are.
    """

    def __init__(self) -> None:
        self._good: Headers | None = None

    def read(self, record: Record) -> SiteRelease:
        """What the record says.

        Raises:
            InvalidMessage: it is no release, or its key names another than the one it holds.
        """
        form = _form(record.headers)
        if form is not None and form == self._good:
            data = data_of(RELEASE, record.value)
        else:
            data = decode(RELEASE, record.key, record.value, record.headers).data
            self._good = form
        release: SiteRelease = data
        if record.key != release.name.encode():
            raise InvalidMessage("the key does not name what the record holds")
        return release


def _form(headers: Headers) -> Headers | None:
    """The headers without what differs from record to record; None where that is not as we write it."""
    return (
        tuple((name, b"" if name in (_ID, _TIME) else value) for name, value in headers)
        if all(_is_plain(name, value) for name, value in headers)
        else None
    )


def _is_plain(name: str, value: bytes) -> bool:
    if name == _ID:
        return _PLAIN_ID.fullmatch(value) is not None
    if name == _TIME:
        with suppress(ValueError):
            return value.endswith(b"Z") and datetime.fromisoformat(value.decode("ascii")).tzinfo is not None
        return False
    return True
