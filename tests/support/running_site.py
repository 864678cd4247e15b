"""A site and the centre on one real broker, and what can be asked of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from deploy.local.machine.loopback_http import request
from deploy.local.stack.service import Service
from segwatch.contracts.envelope import Event, decode
from segwatch.contracts.topics import dead_letters
from segwatch.errors import InvalidMessage
from segwatch.streaming.log import Log, Outgoing, Record
from tests.support.odd_records import send_odd
from tests.support.streaming import read_all


@dataclass(frozen=True)
class Running:
    """A site and the centre on one broker."""

    log: Log
    bootstrap: str
    services: dict[str, Service]
    inbox: Path

    def put(self, batch: Sequence[Outgoing]) -> list[int]:
        """Write the records; the offset of each."""
        return send_odd(self.bootstrap, batch)

    def events(self, topic: str) -> list[Event[Any]]:
        """What can be read of a topic, in its order."""
        return [event for record in read_all(self.log, topic) if (event := readable(topic, record))]

    def letters(self, topic: str) -> list[dict[str, str]]:
        """The marks of a topic's dead letters."""
        found = read_all(self.log, dead_letters(topic))
        return [{name: value.decode(errors="replace") for name, value in each.headers} for each in found]

    def metric(self, service: str, name: str) -> float:
        """The sum over a metric's samples."""
        _, page = request(self.services[service].port, "/metrics")
        return sum(float(line.split()[-1]) for line in page.decode().splitlines() if line.startswith(name))


def readable(topic: str, record: Outgoing | Record) -> Event[Any] | None:
    try:
        return decode(topic, record.key, record.value, record.headers)
    except InvalidMessage:
        return None


def most_resident(service: Service) -> int:
    """The most bytes that the service's process, and those under it, ever had resident."""
    process = psutil.Process(service.child.pid)
    found = 0
    for each in (process, *process.children(recursive=True)):
        lines = Path(f"/proc/{each.pid}/status").read_text().splitlines()
        found += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    return found
