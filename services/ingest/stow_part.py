"""One instance of a STOW-RS request, from its first byte to what its sender is told of it.

Source: DICOM PS3.18 10.5.3, Annex I.2; PS3.3 C.12.1.1.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from services.ingest.spool import (
    NOT_NOW,
    OUT_OF_RESOURCES,
    REFUSALS,
    Arriving,
    Instance,
    Sender,
    Spool,
    status_of_refusal,
)

NOT_OF_THIS_STUDY = 0xA900

_SOP_CLASS = "00081150"
_SOP_INSTANCE = "00081155"
_FAILURE = "00081197"
_FAILED = "00081198"
_REFERENCED = "00081199"
_OTHER_FAILURES = "0008119A"


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of one part. Without a failure it is kept; without an instance it was not understood."""

    instance: Instance | None
    failure: int | None = None


class StowPart:
    """Takes a part's bytes; whatever goes wrong is that part's failure, and the others go on.

    Args:
        sender: the request.
        study: what the request's address says, where it does.
        done: gets what became of the part, when it ends.
    """

    def __init__(self, spool: Spool, sender: Sender, study: str | None, done: list[Stored]) -> None:
        self._sender = sender
        self._study = study
        self._done = done
        self._cleaning = contextlib.ExitStack()
        self._failure: int | None = None
        self._instance: Instance | None = None
        self._arriving: Arriving | None = None
        with self._noted():
            self._arriving = self._cleaning.enter_context(spool.arriving())

    def write(self, data: bytes) -> None:
        """The next bytes of the instance."""
        if self._arriving is not None and self._failure is None:
            with self._noted():
                self._arriving.write(data)

    def end(self) -> None:
        """The instance is complete: keep it, or say why not."""
        if self._arriving is not None and self._failure is None:
            with self._noted():
                self._enter(self._arriving)
        self._done.append(Stored(self._instance, self._failure))
        self.close()

    def close(self) -> None:
        """Remove what was not kept."""
        self._cleaning.close()

    def _enter(self, arriving: Arriving) -> None:
        self._instance = arriving.look()
        if self._study in (None, self._instance.study):
            arriving.enter(self._instance, self._sender)
        else:
            self._failure = NOT_OF_THIS_STUDY

    @contextlib.contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except REFUSALS as error:
            self._failure = status_of_refusal(error)
            if self._failure in NOT_NOW:
                self._sender.carrier.missed()


def status_of(parts: Sequence[Stored]) -> int:
    """200 where all are kept, 202 where some are, 503 where there is no room for any, 409 where none is."""
    failures = [part.failure for part in parts if part.failure is not None]
    if not failures:
        return 200
    if len(failures) < len(parts):
        return 202
    return 503 if OUT_OF_RESOURCES in failures else 409


def answer(parts: Sequence[Stored]) -> dict[str, Any]:
    """The store instances response as DICOM JSON."""
    kept = [_named(part.instance) for part in parts if part.instance and part.failure is None]
    failed = [
        _named(part.instance) | _failure(part.failure)
        for part in parts
        if part.instance and part.failure is not None
    ]
    others = [_failure(part.failure) for part in parts if not part.instance and part.failure is not None]
    sequences = {_FAILED: failed, _REFERENCED: kept, _OTHER_FAILURES: others}
    return {tag: {"vr": "SQ", "Value": items} for tag, items in sequences.items() if items}


def _named(instance: Instance) -> dict[str, Any]:
    return {
        _SOP_CLASS: {"vr": "UI", "Value": [instance.sop_class]},
        _SOP_INSTANCE: {"vr": "UI", "Value": [instance.sop_instance]},
    }


def _failure(code: int) -> dict[str, Any]:
    return {_FAILURE: {"vr": "US", "Value": [code]}}
