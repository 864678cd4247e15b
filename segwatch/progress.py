"""A progress bar on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from segwatch.terminal import new_console


class Advance(Protocol):
    """Called with how many more are done."""

    def __call__(self, number: int = 1) -> None: ...


def bars() -> Progress:
    """The progress of one task or several, each with a name."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=new_console(stderr=True))


@contextmanager
def progress(name: str, total: int) -> Iterator[Advance]:
    """A bar of so many things under a name."""
    with bars() as shown:
        task = shown.add_task(name, total=total)

        def advance(number: int = 1) -> None:
            shown.advance(task, number)

        yield advance
