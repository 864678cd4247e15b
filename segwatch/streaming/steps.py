"""What succeeds, again and again: a fault is waited out, longer each time, and tried again."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from segwatch.errors import LogRefused, Transient
from segwatch.streaming.attempts import delays
from segwatch.streaming.runtime import AskedToStop, Runtime

POLL_SECONDS = 1.0
AWAY: tuple[type[Exception], ...] = (Transient, LogRefused)
"""What is no fault of the work in hand: something is away, or an administrator's to mend."""
Result = TypeVar("Result")


class Folding(Protocol):
    """A service whose state is a fold over the log."""

    @property
    def caught_up(self) -> bool:
        """Whether everything that was in the log at start is in what the service shows."""
        ...

    def step(self, timeout_seconds: float) -> None:
        """Take what comes in that time.

        Raises:
            Transient, LogRefused: call again later; nothing is skipped.
        """
        ...

    def close(self) -> None:
        """Let the connections go."""
        ...


def run_steps(service: Folding, runtime: Runtime[Any]) -> None:
    """Step until asked to stop; ready while the service has caught up."""
    try:
        for _ in successes(lambda: service.step(POLL_SECONDS), runtime):
            runtime.ready(service.caught_up)
    finally:
        runtime.ready(False)
        service.close()


def successes(
    attempt: Callable[[], Result],
    runtime: Runtime[Any],
    waits: Callable[[], Iterator[float]] = delays,
    faults: tuple[type[Exception], ...] = AWAY,
) -> Iterator[Result]:
    """The results of one attempt after the other, until `runtime.stop` is set.

    Args:
        attempt: what is tried; what may not be tried again is done with the result, by whoever iterates.
        runtime: learns of every round and of every fault.
        waits: makes the seconds between attempts; they begin anew with every success.
        faults: what is waited out; anything else is raised.
    """
    pauses = waits()
    while not runtime.stop.is_set():
        runtime.alive()
        try:
            result = attempt()
        except faults as error:
            runtime.fault(type(error).__name__, str(error))
            runtime.stop.wait(next(pauses))
        else:
            pauses = waits()
            yield result


def await_topics(topics: Sequence[str], runtime: Runtime[Any]) -> None:
    """Wait until the log has the topics and lets us see them: on a first install they come after the service.

    Not ready meanwhile, and saying which are missing.

    Raises:
        AskedToStop: before they were there.
    """
    for _ in successes(lambda: runtime.log.require_topics(topics), runtime):
        return
    raise AskedToStop
