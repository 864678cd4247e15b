"""The stages without segmentation under a hundred hospitals' load: does latency, or memory, grow?

`python -m benchmarks.load --minutes 20` runs ingest, features, scoring and aggregation as processes on one
real broker. Studies come at `--times` the rate of a 900-bed hospital's CT (500 a day): as cases in ingest's
inbox, and, since segmentation is left out, as many segmented studies (masks on the real grid of
50 x 512 x 512) in the log. Latency is from a segmented study's sending to its score in the log. What
counts are the ratios of the last quarter of the time to the second: the first warms up.
"""

import argparse
import json
import math
import os
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from deploy.local.kafka.broker import Broker
from deploy.local.kafka.log_address import LogAddress
from deploy.local.machine.folders import MODELS, POLICIES
from deploy.local.machine.supervisor import running
from deploy.local.machine.waiting import comes_true
from deploy.local.stack.service import Service
from segwatch.contracts.envelope import Event
from segwatch.contracts.identity import digest_of
from segwatch.contracts.studies import StudyReceived, StudySegmented
from segwatch.contracts.topics import (
    RECEIVED,
    SCORED,
    SEGMENTED,
)
from segwatch.files import whole_folder
from segwatch.phantoms.phantom import make_phantom
from segwatch.phantoms.write import write_case
from segwatch.streaming.log import outgoing
from segwatch.streaming.topics import make_hospital_topics
from segwatch.volumes.nifti import write_nifti
from segwatch.volumes.store import VolumeStore
from services.segmentation.handler import Segmentation, StudySource
from tests.support.messages import NOW

A_DAY = 500
"""CTs of a hospital with 900 beds."""
TEMPLATES = 8
SAMPLE_SECONDS = 5.0
PATIENCE_SECONDS = 120.0


@dataclass
class Seen:
    """What was measured: seconds since the beginning, and the figure."""

    began: float = field(default_factory=time.monotonic)
    sent: dict[str, float] = field(default_factory=dict)
    latencies: list[tuple[float, float]] = field(default_factory=list)
    memory: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def now(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.began


def templates(store: VolumeStore, folder: Path) -> list[StudySegmented]:
    """A few segmented studies with their objects in the store; case folders beside, for the inbox."""
    segmentation = Segmentation(store, StudySource(CollectorRegistry()))
    made = []
    for number in range(TEMPLATES):
        phantom = make_phantom(number)
        case = folder / f"case-{number}"
        write_case(phantom, case, truth=False)
        write_nifti(case / "lesion_predicted.nii.gz", phantom.lesion, phantom.geometry)
        study = StudyReceived(
            study=name_of(number),
            patient=name_of(number),
            received_at=NOW,
            arrived_by="folder",
            ct=store.save_volume(phantom.ct),
            ct_unit="hu",
            geometry=phantom.geometry,
            lesion=store.save_mask(phantom.lesion),
            lung=store.save_mask(phantom.lung),
        )
        made.append(segmentation.handle(event(RECEIVED, study))[0].data)
    return made


def event(topic: str, data: StudyReceived | StudySegmented) -> Event[Any]:
    """A message as services send it."""
    name = digest_of([topic, data.study])[:32]
    return Event(id=name, type=topic, key=data.study, source="/load", time=NOW, data=data, correlation=name)


def name_of(number: int) -> str:
    """A study's pseudonym."""
    return digest_of(["load", number])[:32]


@contextmanager
def services(address: LogAddress, folder: Path) -> Iterator[dict[str, Service]]:
    """The four services, ready."""
    store, secret = str(folder / "store"), folder / "secret"
    secret.write_text("0" * 64)
    settings = {
        "ingest": {
            "STORE": store,
            "INBOX": str(folder / "inbox"),
            "PSEUDONYM_SECRET_FILE": str(secret),
            "QUIET_SECONDS": "0.5",
        },
        "features": {"STORE": store},
        "scoring": {"SCORER": str(MODELS / "demo-scorer")},
        "aggregation": {"POLICY": str(POLICIES / "default.yaml"), "AUDIT_LOG": str(folder / "audit.jsonl")},
    }
    made = {
        name: Service("hospital-a", name, address, given, folder / "logs") for name, given in settings.items()
    }
    with running(*made.values()):
        yield made


def feed(
    address: LogAddress, made: Sequence[StudySegmented], folder: Path, seconds: float, rate: float, seen: Seen
) -> int:
    """A case and a segmented study at a time, evenly; how many."""
    began = seen.began
    count = math.ceil(seconds * rate)
    with address.open() as log, log.producer() as producer:
        for number in range(count):
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
            drop(number, folder)
            study = made[number % TEMPLATES].model_copy(
                update={"study": name_of(1000 + number), "patient": name_of(1000 + number // 2)}
            )
            seen.sent[study.study] = seen.now()
            producer.send([outgoing(SEGMENTED, event(SEGMENTED, study))])
            if number % max(1, int(rate * 60)) == 0:
                print(
                    f"  {seen.now():5.0f} s: {number} sent, {len(seen.latencies)} scored",
                    flush=True,
                )
    return count


def drop(number: int, folder: Path) -> None:
    """A case of its own in the inbox, by links."""
    with whole_folder(folder / "inbox" / f"case-{number}") as made:
        shutil.copytree(
            folder / "templates" / f"case-{number % TEMPLATES}",
            made,
            copy_function=os.link,
            dirs_exist_ok=True,
        )
        (made / "study.json").write_text(json.dumps({"patient": f"p{number // 2}", "study": f"s{number}"}))


def watch(address: LogAddress, services: dict[str, Service], seen: Seen, stop: threading.Event) -> None:
    """Latencies from the log, and memory of the processes, until told to stop."""
    sampled = 0.0
    with address.open() as log, log.reader([SCORED]) as reader:
        while not stop.is_set():
            for record in reader.poll(0.2):
                sent = seen.sent.get((record.key or b"").decode())
                if sent is not None:
                    seen.latencies.append((sent, seen.now() - sent))
            if time.monotonic() - sampled > SAMPLE_SECONDS:
                sampled = time.monotonic()
                for name, service in services.items():
                    figure = (seen.now(), service.child.memory() / 2**20)
                    seen.memory.setdefault(name, []).append(figure)


def quarters(figures: Sequence[tuple[float, float]], seconds: float) -> tuple[float, float]:
    """Medians of the second and of the last quarter of the time."""
    second = [value for at, value in figures if seconds / 4 <= at < seconds / 2]
    last = [value for at, value in figures if 3 * seconds / 4 <= at <= seconds]
    return statistics.median(second or [0.0]), statistics.median(last or [0.0])


def measure(minutes: float, times: float) -> None:
    """Run all and print the figures."""
    seconds, rate = minutes * 60, times * A_DAY / 86400
    with tempfile.TemporaryDirectory() as name, Broker(Path(name) / "broker") as broker:
        folder = Path(name)
        for made in ("store", "inbox", "templates"):
            (folder / made).mkdir()
        address = broker.log_address
        with address.open() as log:
            make_hospital_topics(log)
        studies = templates(VolumeStore(folder / "store"), folder / "templates")
        with services(address, folder) as measured:
            seen, stop = Seen(), threading.Event()
            watcher = threading.Thread(target=watch, args=(address, measured, seen, stop))
            watcher.start()
            count = feed(address, studies, folder, seconds, rate, seen)
            receipts = folder / "inbox" / ".receipts"
            comes_true(
                lambda: len(seen.latencies) >= count and len(list(receipts.iterdir())) >= count,
                PATIENCE_SECONDS,
                0.5,
            )
            stop.set()
            watcher.join()
            taken = len(list(receipts.iterdir()))
    show(seen, count, taken, seconds)


def show(seen: Seen, count: int, taken: int, seconds: float) -> None:
    """The table."""
    per_hour = len(seen.latencies) / seconds * 3600
    print(f"sent {count}; scored {len(seen.latencies)}, taken in by ingest {taken}")
    print(f"{per_hour:.0f} studies an hour, {per_hour / (A_DAY / 24):.0f} times a 900-bed hospital's")
    second, last = quarters(seen.latencies, seconds)
    print(f"{'latency, median':<24} {second:8.2f} s   {last:8.2f} s   ratio {last / max(second, 1e-9):.2f}")
    for name, figures in seen.memory.items():
        second, last = quarters(figures, seconds)
        print(
            f"{name + ', memory':<24} {second:8.0f} MB  {last:8.0f} MB  ratio {last / max(second, 1e-9):.2f}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--times", type=float, default=100.0, help="a hospital's CTs a day")
    given = parser.parse_args()
    measure(given.minutes, given.times)
