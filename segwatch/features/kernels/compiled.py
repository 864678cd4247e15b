"""Compiling with numba: one way to do it for the whole room.

Machine code is kept between runs: in `NUMBA_CACHE_DIR`, else beside the source, else in the user's cache.
Where none of them can be written (a read-only image without the variable), it is made again at every start.
Numba looks at the file of a kernel alone to see whether it is still the same: after a change to what another
file inlines, the folders `__pycache__` of the room must go.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numba
from numba.core import event

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

_njit: Callable[..., Any] = partial(numba.njit, nogil=True, error_model="numpy")


def compiled(function: Kernel) -> Kernel:
    """The function as machine code: no Python objects inside, the interpreter's lock released."""
    try:
        kernel: Kernel = _njit(cache=True)(function)
    except RuntimeError:  # numba found no folder that it may write to
        kernel = _njit()(function)
    return kernel


def inlined(function: Kernel) -> Kernel:
    """The function as part of each kernel that calls it: for what is called for every row or every run.

    A call costs some nanoseconds for each array that is handed over.
    """
    kernel: Kernel = _njit(inline="always")(function)
    return kernel


def announce_compiling(say: Callable[[], None]) -> None:
    """Call `say` once, when something really is compiled: what was kept between runs is only loaded."""
    event.register("numba:compile", _Once(say))


class _Once(event.Listener):
    def __init__(self, say: Callable[[], None]) -> None:
        self._to_say = [say]

    def on_start(self, event: object) -> None:
        while self._to_say:
            self._to_say.pop()()

    def on_end(self, event: object) -> None:
        """Nothing: it is said before."""
