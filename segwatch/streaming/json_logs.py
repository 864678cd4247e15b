"""Log lines as JSON objects, one a line: ours and our libraries'.

Every line says time, level, service, site and message; a line written while a record is worked on also says
which (`about`): study, correlation, topic, partition and offset.
"""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

from pythonjsonlogger.json import JsonFormatter

QUIET_LIBRARIES = ("kafka", "pynetdicom", "pydicom", "uvicorn", "numba", "matplotlib", "fsspec")
"""Libraries that speak from WARNING on only: below that they tell of every request."""
REPEAT_SECONDS = 10.0
"""How long kafka-python has to wait before it repeats itself."""

_ABOUT: ContextVar[Mapping[str, object] | None] = ContextVar("about", default=None)


@contextmanager
def about(**fields: object) -> Iterator[None]:
    """Put the fields on every line that is logged inside, also by threads that run a copy of the context."""
    token = _ABOUT.set({**(_ABOUT.get() or {}), **fields})
    try:
        yield
    finally:
        _ABOUT.reset(token)


def configure_logging(service: str, site: str, level: str, stream: TextIO | None = None) -> None:
    """Send all log lines of the process to `stream` (default: standard error) as JSON."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Lines(service, site))
    handler.addFilter(_Seldom())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for library in QUIET_LIBRARIES:
        logging.getLogger(library).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(capture=True)


class _Seldom(logging.Filter):
    """Lets kafka-python repeat itself now and then: with the broker away it does so 50 times a second."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("kafka."):
            return True
        where = (record.name, record.lineno)
        if record.created - self._said.get(where, 0.0) < REPEAT_SECONDS:
            return False
        self._said[where] = record.created
        return True


class _Lines(JsonFormatter):
    def __init__(self, service: str, site: str) -> None:
        super().__init__("%(message)s", json_ensure_ascii=False)
        self._service = service
        self._site = site

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        log_data["time"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        log_data["level"] = record.levelname
        log_data["service"] = self._service
        log_data["site"] = self._site
        log_data["logger"] = record.name
        log_data.update(_ABOUT.get() or {})
        super().add_fields(log_data, record, message_dict)
