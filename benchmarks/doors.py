"""What comes in by C-STORE, against dcmtk's storescp, which only writes files: `python -m benchmarks.doors`.

    python -m benchmarks.doors --quiet 60

First one series of 600 slices of 512 × 512, sent by dcmtk's storescu to storescp and then to ingest: seconds
until the files are written, and until the study is stored, complete and announced, quiet time included. Then
two scanners at once with 500 slices each: what was refused, and the memory of the process. Debian's dcmtk is
installed where it is absent. dcmtk is told to send at once (TCP_NODELAY=1): by its default its programs wait
for each other's delayed acknowledgements, and storescp would need 27 s for what it writes in one.
"""

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil

from deploy.local.machine.ports import reserve_ports
from deploy.local.machine.waiting import comes_true
from segwatch.contracts.base import Geometry
from segwatch.contracts.topics import RECEIVED, dead_letters
from segwatch.streaming.embedded.log import EmbeddedLog
from segwatch.volumes.image import Volume
from tests.support.images import dicom_slices
from tests.support.ingest_process import ingest_process
from tests.support.pacs import dcmtk
from tests.support.streaming import read_all

MB = 2**20
PATIENCE_SECONDS = 600.0
AT_ONCE = {**os.environ, "TCP_NODELAY": "1"}


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quiet", type=float, default=60.0, help="ingest's quiet time in seconds")
    parser.add_argument("--slices", type=int, default=600, help="of the one series")
    parser.add_argument("--both", type=int, default=500, help="of each of the two")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one, first, second = folder / "one", folder / "first", folder / "second"
        written = _writes(one, given.slices)
        to_files = _to_storescp(one, folder)
        with _ingest(folder / "a", given.quiet) as ingest:
            seconds, sent = ingest.takes([one])
            bar = 1.5 * (to_files + given.quiet)
            print(f"one series of {given.slices} slices, {written / MB:.0f} MB, quiet time {given.quiet:g} s")
            print(f"  storescp has written the files   {to_files:7.1f} s")
            print(f"  ingest has told storescu so      {sent:7.1f} s   {sent / to_files:.2f} of storescp")
            print(f"  ingest has announced the study   {seconds:7.1f} s   {seconds / bar * 1.5:.2f} of"
                  " storescp and the quiet time (bar 1.5)")  # fmt: skip
            print(f"  processor time of ingest         {ingest.processor_seconds():7.1f} s")
            print(f"  memory of ingest, at most        {ingest.most_memory / MB:7.0f} MB")
        for path in (first, second):
            _writes(path, given.both)
        with _ingest(folder / "b", given.quiet) as ingest:
            seconds, _ = ingest.takes([first, second])
            print(f"two scanners at once, {given.both} slices each")
            print(f"  both studies announced           {seconds:7.1f} s, {ingest.refused()} refused")
            print(f"  memory of ingest, at most        {ingest.most_memory / MB:7.0f} MB (bar 500)")


class _Ingest:
    """A running ingest, asked from outside."""

    def __init__(self, folder: Path, port: int, process: psutil.Process) -> None:
        self.folder, self.port = folder, port
        self.most_memory = 0
        self._process = process

    def takes(self, series: list[Path]) -> tuple[float, float]:
        """Seconds until as many studies are announced as series are sent; and until the senders were done."""
        begun = time.monotonic()
        senders = [_sender(path, "SEGWATCH", self.port) for path in series]
        sent = 0.0

        def done() -> bool:
            nonlocal sent
            self.most_memory = max(self.most_memory, self._process.memory_info().rss)
            codes = [sender.poll() for sender in senders]
            assert not any(codes), "storescu failed"
            if sent == 0.0 and None not in codes:
                sent = time.monotonic() - begun
            with EmbeddedLog(self.folder / "log.db") as log:
                return len(read_all(log, RECEIVED)) == len(series)

        assert comes_true(done, PATIENCE_SECONDS)
        return time.monotonic() - begun, sent

    def processor_seconds(self) -> float:
        """What the process has used since its start, about two seconds of them for its imports: on a busy
        machine the other times say little.
        """
        used = self._process.cpu_times()
        return float(used.user + used.system)

    def refused(self) -> int:
        """How many dead letters there are."""
        with EmbeddedLog(self.folder / "log.db") as log:
            return len(read_all(log, dead_letters(RECEIVED)))


def _sender(folder: Path, title: str, port: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [dcmtk("storescu"), "+sd", "-aec", title, "127.0.0.1", str(port), str(folder)], env=AT_ONCE
    )


def _to_storescp(series: Path, folder: Path) -> float:
    """Seconds until dcmtk's storescp has written the series; the better of two."""
    return min(_once_to_storescp(series, folder / f"scp{number}") for number in range(2))


def _once_to_storescp(series: Path, target: Path) -> float:
    target.mkdir()
    (port,) = reserve_ports(1)
    server = subprocess.Popen([dcmtk("storescp"), "-od", str(target), str(port)], env=AT_ONCE)
    try:
        assert comes_true(lambda: _answers(port), 20)
        begun = time.monotonic()
        assert _sender(series, "STORESCP", port).wait(PATIENCE_SECONDS) == 0
        return time.monotonic() - begun
    finally:
        server.kill()
        server.wait()


def _answers(port: int) -> bool:
    return (
        subprocess.run(
            [dcmtk("echoscu"), "127.0.0.1", str(port)], capture_output=True, check=False
        ).returncode
        == 0
    )


@contextmanager
def _ingest(folder: Path, quiet: float) -> Iterator[_Ingest]:
    folder.mkdir()
    http, dicom = reserve_ports(2)
    with ingest_process(folder, http, DICOM_PORT=dicom, QUIET_SECONDS=quiet) as process:
        yield _Ingest(folder, dicom, psutil.Process(process.pid))


def _writes(folder: Path, slices: int) -> int:
    """A CT's series as files, noise in a body; how many bytes they are."""
    folder.mkdir()
    rng = np.random.default_rng(sum(folder.name.encode()))
    y, x = np.ogrid[-1:1:512j, -1:1:512j]
    body = np.where(x**2 + 2 * y**2 < 0.7, 40, -1000)
    body[(abs(x) - 0.4) ** 2 + y**2 < 0.06] = -800
    geometry = Geometry(
        shape_zyx=(slices, 512, 512),
        spacing_zyx_mm=(0.7, 0.7, 0.7),
        origin_xyz_mm=(-180.0, -180.0, -150.0),
        direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
    )
    array = np.empty((slices, 512, 512), np.int16)
    for plane in array:
        plane[:] = np.clip(body + rng.normal(0, 12, body.shape), -1024, 3071)
    total = 0
    for number, data in enumerate(dicom_slices(Volume(array, geometry))):
        path = folder / f"{number:04}.dcm"
        data.save_as(path, enforce_file_format=True)
        total += path.stat().st_size
    return total


if __name__ == "__main__":
    main()
