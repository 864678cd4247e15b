"""Bodies of the type multipart/related, part by part, in bounded memory (RFC 2387; DICOM PS3.18 8.6.1)."""

from collections.abc import Callable
from typing import Protocol

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header


class BadRequest(Exception):
    """The request is not what the service takes. `status` is HTTP's."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class MultipartStream(Protocol):
    """What a part's bytes are given to."""

    def write(self, data: bytes) -> None: ...
    def end(self) -> None: ...
    def close(self) -> None: ...


class Parts:
    """Feeds each part of a body to a `MultipartStream` of its own.

    Args:
        content_type: of the request.
        begin: makes the place for a part that begins.

    Raises:
        BadRequest: 415, not multipart/related of application/dicom; 400, without a boundary.
    """

    def __init__(self, content_type: str, begin: Callable[[], MultipartStream]) -> None:
        self._begin = begin
        self._part: MultipartStream | None = None
        self._ended = False
        self._parser = MultipartParser(
            _boundary(content_type),
            {
                "on_part_begin": self._on_begin,
                "on_part_data": lambda data, start, end: self._current().write(data[start:end]),
                "on_part_end": lambda: self._current().end(),
                "on_end": self._on_end,
            },
        )

    def feed(self, data: bytes) -> None:
        """The next bytes of the body.

        Raises:
            BadRequest: 400, they are no parts.
        """
        try:
            self._parser.write(data)
        except MultipartParseError as error:
            raise BadRequest(400, f"the body is not multipart: {error}") from None

    def finish(self) -> None:
        """The body is over.

        Raises:
            BadRequest: 400, before its last boundary.
        """
        if not self._ended:
            raise BadRequest(400, "the body ends before its last boundary")

    def close(self) -> None:
        """Let go of a part that has begun; doing so twice does nothing."""
        if self._part is not None:
            self._part.close()

    def _on_begin(self) -> None:
        self._part = self._begin()

    def _on_end(self) -> None:
        self._ended = True

    def _current(self) -> MultipartStream:
        assert self._part is not None  # the parser begins a part before its data
        return self._part


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    if kind.lower() != b"multipart/related":
        raise BadRequest(415, "send multipart/related with parts of application/dicom")
    if options.get(b"type", b"application/dicom").lower() != b"application/dicom":
        raise BadRequest(415, "parts other than application/dicom are not taken")
    boundary = options.get(b"boundary", b"")
    if not 1 <= len(boundary) <= 70:
        raise BadRequest(400, "the content type names no boundary of 1 to 70 characters")
    return bytes(boundary)
