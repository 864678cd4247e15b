"""Sharing topics out on the embedded log: who comes first has them all; where it ends, another takes over."""

from collections.abc import Collection
from pathlib import Path

from segwatch.streaming.closing import Closes
from segwatch.streaming.embedded.consumer import EmbeddedConsumer
from segwatch.streaming.embedded.file import LogFile


class EmbeddedShare(Closes):
    """A member: leases on topics, of which nothing is read."""

    def __init__(self, path: Path, group: str) -> None:
        super().__init__()
        self._path = path
        self._group = group
        self._leases: list[EmbeddedConsumer] = []
        self._asked: set[str] = set()

    def held(self, topics: Collection[str]) -> frozenset[str]:
        new = sorted(set(topics) - self._asked)
        if new:
            self._leases.append(EmbeddedConsumer(LogFile(self._path), self._group, new, None))
            self._leases[-1].pause()
            self._asked |= set(new)
        for leases in self._leases:
            leases.poll(0)
        held = frozenset[str]().union(*(leases.holds() for leases in self._leases))
        return held & frozenset(topics)

    def _close(self) -> None:
        for leases in self._leases:
            leases.close()
