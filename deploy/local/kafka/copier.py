"""The bridge where there is no broker: copies a hospital's release records from its file to the centre's.

Run as `python -m deploy.local.kafka.copier SITE HOSPITAL.sqlite CENTRE.sqlite`, in place of MirrorMaker
and only with the embedded log. It copies the release topic and nothing else, in order, with keys, headers and
time stamps.
"""

import signal
import sys
import threading
from pathlib import Path

from segwatch.contracts.topics import RELEASE, at_the_centre
from segwatch.streaming.embedded.log import EmbeddedLog
from segwatch.streaming.log import Outgoing

POLL_SECONDS = 0.2


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
