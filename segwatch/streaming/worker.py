"""One thread that does the work, so that the main loop stays free to keep its place in the group.

A thread of our own, not an executor: the interpreter waits for an executor's threads at its end, and work
that takes minutes must not keep a process that was asked to stop.
"""

import contextvars
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

WORKER_NAME = "segwatch-worker"
CLOSE_SECONDS = 0.2
"""An idle worker ends at once; a busy one is left behind, and its process with it."""

Result = TypeVar("Result")
_Job = tuple[Callable[[], Any], "Future[Any]", contextvars.Context]


class Worker:
    """Does one job after the other. Lives long, since libraries keep caches by thread."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run_jobs, name=WORKER_NAME, daemon=True)
        self._thread.start()

    def begin(self, job: Callable[[], Result]) -> "Future[Result]":
        """Start the job, with the caller's context (log fields), and return at once."""
        future: Future[Result] = Future()
        self._jobs.put((job, future, contextvars.copy_context()))
        return future

    def close(self) -> None:
        """End when the job in hand is done; do not wait for one that takes longer than a moment."""
        self._jobs.put(None)
        self._thread.join(CLOSE_SECONDS)

    def _run_jobs(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, future, context = job
            try:
                future.set_result(context.run(work))
            except BaseException as error:  # noqa: BLE001 - whatever it is, the main loop decides on it
                future.set_exception(error)
            del job, work, future, context
