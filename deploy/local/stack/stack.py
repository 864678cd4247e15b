"""The whole stack: hospitals and centre, started in order, looked after, and ended together."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from deploy.local.machine import binaries
from deploy.local.machine.supervisor import StackPart, stop_all
from deploy.local.stack.centre import Centre
from deploy.local.stack.hospital import Hospital, SiteSettings
from deploy.local.stack.pager import Pager

Say = Callable[[str], None]


class Stack:
    """Hospitals and centre in one folder, as a context: leaving it ends everything.

    Args:
        folder: made; everything that the stack writes lies in it.
        sites: what each hospital decides, by its name.
        embedded: the embedded log instead of brokers.
        own_prometheus: whether each hospital has a Prometheus too.
        say: told what is being started.
    """

    def __init__(
        self,
        folder: Path,
        sites: dict[str, SiteSettings],
        *,
        embedded: bool,
        own_prometheus: bool = True,
        say: Say = lambda _: None,
    ) -> None:
        self.folder = folder.resolve()
        self.receiver = Pager()
        self.centre = Centre(self.folder / "central", self.receiver.url, embedded=embedded)
        self.hospitals = [
            Hospital(name, self.folder / name, settings, embedded=embedded)
            for name, settings in sites.items()
        ]
        self._say = say
        owners = [*(site.broker for site in self.hospitals), self.centre.broker]
        self._brokers = [broker for broker in owners if broker is not None]
        self._parts = self._make_parts(own_prometheus)

    def start(self) -> None:
        """Start everything, brokers first, and wait until all of it is ready.

        Raises:
            NotReady: something did not come up; the message holds the end of its log.
        """
        if self._brokers:
            self._say(f"starting {len(self._brokers)} Kafka brokers")
            _start(self._brokers)
        for hospital in self.hospitals:
            hospital.make_topics()
        self.centre.make_topics([hospital.name for hospital in self.hospitals])
        self._say(f"starting {len(self._parts)} programs: {', '.join(part.name for part in self._parts)}")
        _start(self._parts)

    def tend(self) -> list[str]:
        """Start again what died; what happened. Call it often.

        Raises:
            NotReady: something refuses its settings.
        """
        return [happened for part in (*self._brokers, *self._parts) if (happened := part.tend())]

    def memory(self) -> int:
        """Resident bytes of this process and everything under it; shared pages count in each process."""
        return sum(_resident(process) for process in _family())

    def stop(self) -> None:
        """End everything, brokers last."""
        stop_all(self._parts)
        stop_all(self._brokers)
        self.receiver.close()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _make_parts(self, own_prometheus: bool) -> list[StackPart]:
        parts: list[StackPart] = [*self.centre.watchers, self.centre.federation]
        parts += [hospital.way_out(self.centre.known_as(hospital.name)) for hospital in self.hospitals]
        parts += [service for hospital in self.hospitals for service in hospital.services]
        binary = binaries.find(binaries.PROMETHEUS)
        if own_prometheus and binary is not None:
            parts += [hospital.prometheus(binary) for hospital in self.hospitals]
        return parts


def _start(parts: Sequence[StackPart]) -> None:
    for part in parts:
        part.launch()
    for part in parts:
        part.wait()


def _family() -> list[psutil.Process]:
    own = psutil.Process(os.getpid())
    return [own, *own.children(recursive=True)]


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
