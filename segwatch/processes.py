"""Work in several processes: results as they come; Ctrl-C ends all, and so does the parent's death."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing.synchronize import Event
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

ALONE_SECONDS = 3.0
"""About what it takes to start processes that import scikit-learn."""
LOOK_SECONDS = 0.5
"""How soon a process sees that its parent is gone."""

Task = TypeVar("Task")
Result = TypeVar("Result")
_context: list[Any] = []
"""What every task of this process is given beside itself."""


def results(
    work: Callable[[Any, Task], Result],
    context: Any,  # noqa: ANN401
    tasks: Sequence[Task],
    workers: int,
    *,
    alone_seconds: float = ALONE_SECONDS,
) -> Iterator[tuple[Task, Result]]:
    """`work(context, task)` of each task, in whatever order they finish.

    Little work is done in this process altogether: others are started once it has taken some seconds.

    Args:
        work: a function of a module. context: sent to each process once.
        tasks: what is to be done. workers: 0 is one a core; 1 works in this process.
        alone_seconds: how long this process works alone; 0 where already the first task takes long.
    """
    workers = workers or os.cpu_count() or 1
    left = list(tasks)
    begin = time.monotonic()
    with threadpool_limits(1):
        while left and (workers == 1 or time.monotonic() - begin < alone_seconds):
            task = left.pop(0)
            yield task, work(context, task)
    if left:
        yield from _in_pool(work, context, left, min(workers, len(left)))


def _in_pool(
    work: Callable[[Any, Task], Result],
    context: Any,  # noqa: ANN401
    tasks: Sequence[Task],
    workers: int,
) -> Iterator[tuple[Task, Result]]:
    spawn = multiprocessing.get_context("spawn")
    left_early = spawn.Event()
    pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_begin, initargs=(context, left_early))
    try:
        running = {pool.submit(_do, work, task): task for task in tasks}
        for future in as_completed(running):
            yield running[future], future.result()
    except BaseException:
        left_early.set()  # what runs may take minutes, and nobody waits for it
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(context: Any, left_early: Event) -> None:  # noqa: ANN401
    """One thread a process: the matrices are small. Ctrl-C is the parent's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)
    threading.Thread(target=_end_with_parent, args=(left_early,), daemon=True).start()
    _context.append(context)


def _end_with_parent(left_early: Event) -> None:
    parent = multiprocessing.parent_process()
    while parent is not None and parent.is_alive() and not left_early.wait(LOOK_SECONDS):
        pass
    os._exit(1)


def _do(work: Callable[[Any, Task], Result], task: Task) -> Result:
    return work(_context[0], task)
