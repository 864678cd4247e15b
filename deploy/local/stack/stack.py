"""The whole stack: hospitals and centre, started in order, looked after, and ended together."""

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Self

from deploy.local.machine.process import resident_bytes
from deploy.local.machine.supervisor import Program, start_all, stop_all
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
        hospital_prometheus: whether each hospital has a Prometheus and an Alertmanager too.
        say: told what is being started.
    """

    def __init__(
        self,
        folder: Path,
        sites: dict[str, SiteSettings],
        *,
        embedded: bool,
        hospital_prometheus: bool = True,
        say: Say = lambda _: None,
    ) -> None:
        self.folder = folder.resolve()
        self.pager = Pager()
        scorer = next((site.scorer for site in sites.values()), None)
        self.centre = Centre(
            self.folder / "central", self.pager.url("central"), scorer=scorer, embedded=embedded
        )
        self.hospitals = [
            Hospital(name, self.folder / name, settings, embedded=embedded, webhook=self.pager.url(name))
            for name, settings in sites.items()
        ]
        self._say = say
        self._hospital_prometheus = hospital_prometheus
        self._started: list[list[Program]] = []

    def start(self) -> None:
        """Start everything, and wait until all of it is ready: first who is told no address of the others.

        Raises:
            NotReady: something did not come up; the message holds the end of its log.
        """
        self._start([*(hospital.broker for hospital in self.hospitals), self.centre.broker])
        for hospital in self.hospitals:
            hospital.make_topics()
        self.centre.make_topics([hospital.name for hospital in self.hospitals])
        ways_out = [hospital.make_way_out(self.centre.known_as(hospital.name)) for hospital in self.hospitals]
        services = [service for hospital in self.hospitals for service in hospital.services]
        watched = self.hospitals if self._hospital_prometheus else []
        pagers = [self.centre.alertmanager, *(hospital.alertmanager for hospital in watched)]
        self._start([*pagers, self.centre.federation, *ways_out, *services])
        self._start([self.centre.prometheus, *(hospital.make_prometheus() for hospital in watched)])

    def tend(self) -> list[str]:
        """Start again what died; what happened. Call it often.

        Raises:
            NotReady: something refuses its settings.
        """
        return [happened for program in self.programs() if (happened := program.tend())]

    def programs(self) -> Iterator[Program]:
        """Everything that was started."""
        return chain.from_iterable(self._started)

    def memory(self) -> int:
        """Resident bytes of this process and everything under it; shared pages count in each."""
        return resident_bytes(os.getpid())

    def stop(self) -> None:
        """End everything, brokers last."""
        for programs in reversed(self._started):
            stop_all(programs)
        self.pager.close()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self, programs: Iterable[Program | None]) -> None:
        there = [program for program in programs if program is not None]
        if there:
            self._say(f"starting {', '.join(program.name for program in there)}")
        self._started.append(there)
        start_all(there)
