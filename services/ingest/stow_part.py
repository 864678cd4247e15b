"""One instance of a STOW-RS request, from its first byte to what its sender is told of it."""

import contextlib
from collections.abc import Iterator

from segwatch.errors import RefusedVolume
from services.ingest.c_store import FULL
from services.ingest.spool import Arriving, Instance, Spool, SpoolFull
from services.ingest.stow_answer import (
    CANNOT_UNDERSTAND,
    NOT_OF_THIS_STUDY,
    OUT_OF_RESOURCES,
    PROCESSING_FAILURE,
    Stored,
)


class StowPart:
    """Takes a part's bytes; whatever goes wrong is that part's failure, and the others go on.

    Args:
        study: what the request's address says, where it does.
        done: gets what became of the part, when it ends.
    """

    def __init__(self, spool: Spool, study: str | None, done: list[Stored]) -> None:
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
            arriving.enter(self._instance, "stow-rs")
        else:
            self._failure = NOT_OF_THIS_STUDY

    @contextlib.contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except SpoolFull:
            self._failure = OUT_OF_RESOURCES
        except RefusedVolume:
            self._failure = CANNOT_UNDERSTAND
        except OSError as error:
            self._failure = OUT_OF_RESOURCES if error.errno in FULL else PROCESSING_FAILURE
