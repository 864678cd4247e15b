"""Work in several processes: results as they come; Ctrl-C ends all, and so does the parent's death."""

import ctypes
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

ALONE_SECONDS = 3.0
"""About what it takes to start processes that import scikit-learn."""

LATER_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What libraries read that are loaded only by a task."""

_MMAP_THRESHOLD = -3
_LARGE_BLOCK = 128 * 1024
"""Bytes; glibc's own beginning. What is larger gets pages of its own, which go when it goes."""

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
        with pool_of(min(workers, len(left)), context) as pool:
            running = {pool.submit(_do, work, task): task for task in left}
            for future in as_completed(running):
                yield running[future], future.result()


def give_memory_back() -> None:
    """From now on this process gives what it frees back at once, as far as its C library can be told.

    By itself glibc learns from large blocks that come and go to hold on to them, in as many arenas as there
    are threads: a service that takes hundreds of images at once then holds several times what it needs
    (mallopt(3), M_MMAP_THRESHOLD).
    """
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE_BLOCK)


@contextmanager
def pool_of(workers: int, context: Any = None) -> Iterator[ProcessPoolExecutor]:  # noqa: ANN401
    """So many fresh processes of one thread each: forked ones could hang on this one's locks.

    They end when the block does: where it fails, or this process is killed, in the middle of their tasks,
    which may take minutes and which nobody waits for any more. Ctrl-C is this process's to answer.

    Args:
        workers: how many. context: what `results` gives every task.
    """
    fresh = multiprocessing.get_context("spawn")
    # Nobody writes into it: the processes see its end, which this process holds, closed.
    reader, writer = fresh.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, mp_context=fresh, initializer=_begin, initargs=(reader, context))
    try:
        yield pool
    except BaseException:
        writer.close()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        writer.close()
        reader.close()


def _begin(nobody_waits: Connection, context: Any) -> None:  # noqa: ANN401
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)  # the matrices are small, and their sums must not depend on threads
    os.environ.update(dict.fromkeys(LATER_THREADS, "1"))
    threading.Thread(target=_end_with, args=(nobody_waits,), daemon=True).start()
    _context.append(context)


def _end_with(nobody_waits: Connection) -> None:
    nobody_waits.poll(None)
    os._exit(1)


def _do(work: Callable[[Any, Task], Result], task: Task) -> Result:
    return work(_context[0], task)
