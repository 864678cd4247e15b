"""Real senders and a real archive: dcmtk's programs and an Orthanc, installed from Debian if absent."""

import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from deploy.local.machine.binaries import Binary, obtain
from segwatch.contracts.base import Geometry
from segwatch.volumes.image import Volume
from tests.support.images import dicom_slices, save_all
from tests.support.streaming import eventually

DCMTK = Binary(("dcmdump",), "dcmtk", unpacks=False)
"""Found by a program whose name pynetdicom does not give to one of its own, as it does with storescu."""
ORTHANC = Binary(("Orthanc",), "orthanc-dicomweb", unpacks=False)
"""Its plugin for DICOMweb, which brings Orthanc itself."""
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
CHUNK = 4096


def program(binary: Binary) -> Path:
    """Where the program lies, installed if need be; the test is failed where it cannot be had."""
    found = obtain(binary, print) or shutil.which(binary.names[0], path="/usr/sbin:/usr/bin")
    if found is None:
        pytest.fail(f"{binary.names[0]} cannot be had: apt-get install {binary.package}")
    return Path(found)


def dcmtk(name: str) -> str:
    """One of dcmtk's programs."""
    return str(program(DCMTK).with_name(name))


def examination(seed: int, slices: int = 24, day: str = "20260105") -> list[Dataset]:
    """A CT series of its own UIDs, of some size on the wire, in an order that a scanner would send."""
    rng = np.random.default_rng(seed)
    geometry = Geometry(
        shape_zyx=(slices, 64, 64),
        spacing_zyx_mm=(5.0, 4.0, 4.0),
        origin_xyz_mm=(-128.0, -128.0, -200.0),
        direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
    )
    array = rng.integers(-1000, 400, geometry.shape_zyx).astype(np.int16)
    found = dicom_slices(Volume(array, geometry))
    for data in found:
        data.PatientID = data.PatientName = f"P{seed}"
        data.StudyDate = data.SeriesDate = data.AcquisitionDate = day
        data.StudyTime = data.AcquisitionTime = "120000"
        data.StudyID, data.AccessionNumber, data.SeriesNumber = "1", "", 2
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    return found


@dataclass
class Scanner:
    """dcmtk's storescu, on the files of a folder."""

    port: int
    folder: Path
    called: str = "SEGWATCH"

    def begin(self, slices: Sequence[Dataset], *options: str) -> "subprocess.Popen[str]":
        """Send in one association, in the background."""
        folder = self.folder / f"{time.monotonic_ns()}"
        paths = map(str, save_all(slices, folder))
        command = [dcmtk("storescu"), "-R", *options, "-aec", self.called, "127.0.0.1", str(self.port)]
        return subprocess.Popen(
            [*command, *paths], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def send(self, slices: Sequence[Dataset], *options: str) -> None:
        """Send in one association, and wait until all is stored."""
        with self.begin(slices, *options) as process:
            said = process.communicate(timeout=60)[0]
            assert process.returncode == 0, said


@contextmanager
def slow_wire(
    port: int, bytes_a_second: int, pause_after: int = 0, pause_seconds: float = 0.0
) -> Iterator[int]:
    """A port that leads to another one, slowly, with one long pause behind so many bytes, if asked for."""
    with ExitStack() as stack:
        door = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def carry() -> None:
            with suppress(OSError):
                inside = stack.enter_context(_ended_for_sure(door.accept()[0]))
                outside = stack.enter_context(_ended_for_sure(socket.create_connection(("127.0.0.1", port))))
                back = threading.Thread(target=_pour, args=(outside, inside, 0, 0, 0.0), daemon=True)
                back.start()
                _pour(inside, outside, bytes_a_second, pause_after, pause_seconds)

        threading.Thread(target=carry, daemon=True).start()
        yield door.getsockname()[1]


@contextmanager
def _ended_for_sure(end: socket.socket) -> Iterator[socket.socket]:
    """A socket whose other end hears that it is over: closed alone, it lives on in a thread that reads it."""
    with end:
        try:
            yield end
        finally:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _pour(source: socket.socket, target: socket.socket, speed: int, pause_after: int, pause: float) -> None:
    poured = 0
    with suppress(OSError):
        while chunk := source.recv(CHUNK):
            target.sendall(chunk)
            before, poured = poured, poured + len(chunk)
            time.sleep(len(chunk) / speed if speed else 0)
            if before < pause_after <= poured:
                time.sleep(pause)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@dataclass(frozen=True)
class Archive:
    """A running Orthanc.

    Attributes:
        peer: `TITLE@HOST:PORT`.
        web: its DICOMweb address, up to `/studies`.
        rest: its own address.
    """

    peer: str
    web: str
    rest: str
    port: int

    def store(self, slices: Sequence[Dataset], folder: Path) -> None:
        """Let it have a series."""
        Scanner(self.port, folder, "ORTHANC").send(slices)

    def ask(self, path: str, body: Any = None) -> Any:
        """Ask its own interface; with a body by POST."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.rest}{path}", data=data, timeout=60) as answer:
            return json.load(answer)

    def send(self, slices: Sequence[Dataset], to: str) -> None:
        """Have it send a study that it has to a modality that it knows."""
        found = self.ask(
            "/tools/find", {"Level": "Study", "Query": {"StudyInstanceUID": slices[0].StudyInstanceUID}}
        )
        self.ask(f"/modalities/{to}/store", {"Resources": found, "Synchronous": True})


@contextmanager
def orthanc(
    folder: Path, ports: tuple[int, int], modalities: Mapping[str, tuple[str, int]]
) -> Iterator[Archive]:
    """An archive that knows the titles of ingest, and answers C-FIND, C-MOVE, C-GET and DICOMweb.

    Args:
        folder: where it keeps what it has.
        ports: for DICOM and for HTTP.
        modalities: by name, title and port of those that it may send to and be asked by.
    """
    dicom, web = ports
    path = folder / "orthanc.json"
    given = {
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "DicomAet": "ORTHANC",
        "DicomPort": dicom,
        "HttpPort": web,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
        "DicomAlwaysAllowMove": True,
        "DicomCheckCalledAet": False,
        "DicomModalities": {name: [title, "127.0.0.1", port] for name, (title, port) in modalities.items()},
        "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    path.write_text(json.dumps(given))
    with (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen([str(program(ORTHANC)), str(path)], stdout=log, stderr=log)
    rest = f"http://127.0.0.1:{web}"
    found = Archive(f"ORTHANC@127.0.0.1:{dicom}", f"{rest}/dicom-web", rest, dicom)
    try:
        eventually(lambda: _answers(found), 60)
        yield found
    finally:
        process.terminate()
        process.wait(30)


def _answers(archive: Archive) -> bool:
    with suppress(OSError):
        return "dicom-web" in archive.ask("/plugins")
    return False
