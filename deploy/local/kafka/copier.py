"""The bridge where there is no broker: copies a hospital's release records from its file to the centre's.

Run as `python -m deploy.local.kafka.copier SITE HOSPITAL.sqlite CENTRE.sqlite`, in place of MirrorMaker
and only with the embedded log. It copies the release topic and nothing else, in order, with keys, headers and
time stamps.
"""

import signal
import sys
import threading
from pathlib import Path

from deploy.local.kafka.log_address import LogAddress
from deploy.local.machine.process import base_environment
from deploy.local.machine.supervisor import Launch, Program
from segwatch.contracts.topics import RELEASE, at_the_centre
from segwatch.streaming.embedded.log import EmbeddedLog
from segwatch.streaming.log import Outgoing

POLL_SECONDS = 0.2


class Copier(Program):
    """The bridge of the embedded log, a process of its own.

    Args:
        site: the hospital's name.
        hospital: the hospital's log, and
        centre: the centre's, both files.
        log: file for its output.
    """

    def __init__(self, site: str, hospital: LogAddress, centre: LogAddress, log: Path) -> None:
        super().__init__(f"{site} copier")
        self._arguments = [site, str(hospital.file), str(centre.file)]
        self._output = log

    def recipe(self) -> Launch:
        """The module in this Python; it is ready as soon as it runs."""
        command = [sys.executable, "-m", "deploy.local.kafka.copier", *self._arguments]
        return Launch(command, base_environment(), self._output, lambda: True)


def copy(site: str, hospital: EmbeddedLog, centre: EmbeddedLog, stop: threading.Event) -> None:
    """Copy until `stop` is set. It goes on behind what already lies at the centre, record for record."""
    target = at_the_centre(site)
    with (
        hospital.reader([RELEASE], from_offset=_count(centre, target)) as reader,
        centre.producer() as producer,
    ):
        while not stop.is_set():
            records = reader.poll(POLL_SECONDS)
            producer.send([Outgoing(target, r.key, r.value, r.headers, r.timestamp_ms) for r in records])


def _count(log: EmbeddedLog, topic: str) -> int:
    count = 0
    with log.reader([topic]) as reader:
        while not reader.at_end():
            count += len(reader.poll(POLL_SECONDS))
    return count


def main() -> None:
    """Copy until SIGTERM."""
    site, hospital, centre = sys.argv[1:]
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with EmbeddedLog(Path(hospital)) as source, EmbeddedLog(Path(centre)) as target:
        copy(site, source, target, stop)


if __name__ == "__main__":
    main()
