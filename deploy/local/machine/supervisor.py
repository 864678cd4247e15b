"""What Kubernetes does in a hospital: a program that died is started again, ever more slowly."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deploy.local.machine.process import Child, NotReady

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 60.0
"""A program that ran this long starts again with the first pause."""
BAD_SETTINGS = 2
"""The services' exit code for settings that they cannot start with: starting again would not help."""


class StackPart(Protocol):
    """Something that the local stack starts, looks after and ends."""

    @property
    def name(self) -> str: ...
    def launch(self) -> None:
        """Start it and return at once."""
        ...

    def wait(self) -> None:
        """Wait until it is ready; raises NotReady."""
        ...

    def tend(self) -> str | None:
        """Start it again where it died; what happened, if anything did. Raises NotReady where hopeless."""
        ...

    def terminate(self) -> None:
        """Ask it to end; return at once."""
        ...

    def stop(self) -> None:
        """End it, by force where it does not listen."""
        ...


@dataclass(frozen=True)
class Launch:
    """How a program is started.

    Attributes:
        name: how it is called in messages.
        command: program and arguments.
        env: its whole environment.
        log: file for its output.
        ready: whether it does its work.
        seconds: how long it may take until it is ready.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    ready: Callable[[], bool]
    seconds: float = 60.0


class Program:
    """A supervised program: one `Child`, started again when it ends by itself."""

    def __init__(self, recipe: Launch, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = recipe.name
        self.restarts = 0
        self.child = Child(recipe.name, recipe.command, recipe.log, recipe.env)
        self._recipe = recipe
        self._clock = clock
        self._wanted = False
        self._pause = FIRST_PAUSE
        self._started = 0.0
        self._again_at: float | None = None

    def launch(self) -> None:
        """Start it and return at once; from now on `tend` keeps it running."""
        self._wanted = True
        self._again_at = None
        self._started = self._clock()
        self.child.start()

    def wait(self) -> None:
        """Wait until it is ready.

        Raises:
            NotReady: it ended, or was not ready in time.
        """
        self.child.wait_until(self._recipe.ready, self._recipe.seconds)

    def tend(self) -> str | None:
        """Start it again where it died, after a pause that doubles; what happened, if anything did.

        Raises:
            NotReady: it says that it cannot start with its settings.
        """
        if not self._wanted or self.child.alive():
            return None
        if self.child.exit_code == BAD_SETTINGS:
            raise NotReady(f"{self.name} refuses its settings ({self.child.log}):\n{self.child.last_lines()}")
        if self._again_at is None:
            return self._plan_restart()
        if self._clock() < self._again_at:
            return None
        self.restarts += 1
        self.launch()
        return f"{self.name} was started again"

    def terminate(self) -> None:
        """Ask it to end; return at once."""
        self._wanted = False
        self.child.terminate()

    def stop(self) -> None:
        """End it, by force where it does not listen."""
        self._wanted = False
        self.child.stop()

    def terminate_at_once(self) -> None:
        """End it as a power cut would (SIGKILL); nothing starts it again but `launch`."""
        self._wanted = False
        self.child.kill()

    def _plan_restart(self) -> str:
        now = self._clock()
        steady = now - self._started > STEADY_SECONDS
        self._pause = FIRST_PAUSE if steady else min(self._pause * 2, LONGEST_PAUSE)
        self._again_at = now + self._pause
        return f"{self.name} ended with code {self.child.exit_code} (see {self.child.log})"


def stop_all(parts: Iterable[StackPart]) -> None:
    """End all parts, side by side: ask every one first, then wait for each."""
    listed = list(parts)
    for part in listed:
        part.terminate()
    for part in listed:
        part.stop()
