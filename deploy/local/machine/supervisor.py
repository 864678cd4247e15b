"""What Kubernetes does in a hospital: a program that died is started again, ever more slowly."""

import errno
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.machine.ports import LOOPBACK, reserve_ports
from deploy.local.machine.process import Child, NotReady

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 60.0
"""A program that ran this long starts again with the first pause."""
BAD_SETTINGS = 2
"""The services' exit code for settings that they cannot start with: starting again would not help."""
PORT_TAKEN = os.strerror(errno.EADDRINUSE)
"""What Python, Java and Go alike say of a port that somebody else listens on."""
MOST_MOVES = 5
"""How often a program is given other ports."""


@dataclass(frozen=True)
class Launch:
    """How a program is started.

    Attributes:
        command: program and arguments.
        env: its whole environment.
        log: file for its output.
        ready: whether it does its work.
        seconds: how long it may take until it is ready.
    """

    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    ready: Callable[[], bool]
    seconds: float = 60.0


class Program(ABC):
    """A supervised program: one process, started again when it ends by itself.

    Its ports are reserved when it is made. Where somebody listens on one of them all the same, it is given
    others, but only until it was ready for the first time: from then on its address stays. So whoever is
    told the address is made after `wait`.

    Args:
        name: how it is called in messages.
        ports: how many it listens on.
        clock: seconds that only go forward.

    Attributes:
        ports: where it listens; what each is for, the program decides.
        restarts: how often it was started again.
    """

    def __init__(self, name: str, ports: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.ports = reserve_ports(ports)
        self.restarts = 0
        self._child: Child | None = None
        self._clock = clock
        self._moves = 0
        self._settled = False
        self._wanted = False
        self._pause = FIRST_PAUSE
        self._started = 0.0
        self._again_at: float | None = None

    @abstractmethod
    def recipe(self) -> Launch:
        """How it is started with the ports that it has now."""

    @property
    def port(self) -> int:
        """The first of its ports."""
        return self.ports[0]

    @property
    def address(self) -> str:
        """Where its first port is reached: `host:port`."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def child(self) -> Child:
        """Its process.

        Raises:
            RuntimeError: it was never started.
        """
        if self._child is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._child

    def launch(self) -> None:
        """Start it and return at once; from now on `tend` keeps it running."""
        recipe = self.recipe()
        self._again_at = None
        self._started = self._clock()
        self._child = Child(self.name, recipe.command, recipe.log, recipe.env)
        self._child.start()
        self._wanted = True

    def wait(self) -> None:
        """Wait until it is ready, with other ports where somebody has taken one.

        Raises:
            NotReady: it ended, or was not ready in time.
        """
        recipe = self.recipe()
        try:
            self.child.wait_until(recipe.ready, recipe.seconds)
        except NotReady:
            if self._settled or self._moves == MOST_MOVES or not self._lost_a_port():
                raise
            self._moves += 1
            self.ports = reserve_ports(len(self.ports))
            self.launch()
            self.wait()
        self._settled = True

    def tend(self) -> str | None:
        """Start it again where it died, after a pause that doubles; what happened, if anything did.

        Raises:
            NotReady: it says that it cannot start with its settings.
        """
        if not self._wanted or self.child.alive():
            return None
        if self.child.exit_code == BAD_SETTINGS and not self._lost_a_port():
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
        if self._child is not None:
            self._child.terminate()

    def stop(self) -> None:
        """End it, by force where it does not listen."""
        self._wanted = False
        if self._child is not None:
            self._child.stop()

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL); nothing starts it again but `launch`."""
        self._wanted = False
        self.child.kill()

    def _lost_a_port(self) -> bool:
        return not self.child.alive() and self.child.says(PORT_TAKEN)

    def _plan_restart(self) -> str:
        now = self._clock()
        steady = now - self._started > STEADY_SECONDS
        self._pause = FIRST_PAUSE if steady else min(self._pause * 2, LONGEST_PAUSE)
        self._again_at = now + self._pause
        return f"{self.name} ended with code {self.child.exit_code} (see {self.child.log})"


def start_all(programs: Sequence[Program]) -> None:
    """Start all programs side by side, and wait for each.

    Raises:
        NotReady: one did not come up.
    """
    for program in programs:
        program.launch()
    for program in programs:
        program.wait()


def stop_all(programs: Sequence[Program]) -> None:
    """End all programs, side by side: ask every one first, then wait for each."""
    for program in programs:
        program.terminate()
    for program in programs:
        program.stop()


@contextmanager
def running(*programs: Program) -> Iterator[None]:
    """All of them started and ready, until the context is left.

    Raises:
        NotReady: one did not come up.
    """
    try:
        start_all(programs)
        yield
    finally:
        stop_all(programs)
