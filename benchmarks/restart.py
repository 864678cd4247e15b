"""How long aggregation and federation take to read their whole history again, and what memory that takes.

`python -m benchmarks.restart` fills a real broker with a hospital's history (scored studies, ledger,
releases, heartbeats of as many days at 500 studies a day), then starts both services as processes, which
have nothing but the log, and measures until they say that they are ready. A shorter history beside it shows
what grows with it. `--without-places`: a ledger as older versions wrote it, so that every scored record is
read.
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import kafka
import psutil

from deploy.local.kafka.broker import Broker
from deploy.local.kafka.log_address import LogAddress
from deploy.local.machine.folders import POLICIES
from deploy.local.machine.loopback_http import is_ok
from deploy.local.stack.service import Service
from segwatch.aggregation.ledger.record import ledger_record
from segwatch.aggregation.mechanism.figures import coarse
from segwatch.aggregation.mechanism.policy import read_policy
from segwatch.aggregation.mechanism.release import heartbeat_of, release_of
from segwatch.contracts.ledger import BlockClosed, CountedStudy, EpochOpened
from segwatch.contracts.release import Portrait, Pulse
from segwatch.contracts.topics import DEAD_LETTERS, DECISIONS, FOREVER, LEDGER, RELEASE, SCORED, at_the_centre
from segwatch.streaming.log import Outgoing
from tests.support.messages import NOW
from tests.support.site_world import record_of, scored

SITE = "hospital-a"
A_DAY = 500
"""CTs of a hospital with 900 beds."""
BEGAN = datetime(2020, 1, 6, tzinfo=UTC)
POLICY = read_policy(POLICIES / "default.yaml")


@dataclass(frozen=True)
class Took:
    """A service's start: seconds until it was ready, how many of them it computed, and its largest resident
    memory in MB."""

    seconds: float
    computed: float
    memory_mb: float


def pseudonym(kind: str, number: int) -> str:
    """A study or patient of the history."""
    return hashlib.sha256(f"{kind} {number}".encode()).hexdigest()[:32]


def scored_studies(number: int) -> Iterator[Outgoing]:
    """The scored topic: one template with other pseudonyms, since making a million of them takes its time."""
    template = record_of(scored(0))
    study, patient = scored(0).study.encode(), scored(0).patient.encode()
    assert template.value is not None
    for each in range(number):
        mine, whose = pseudonym("study", each).encode(), pseudonym("patient", each // 2).encode()
        value = template.value.replace(study, mine).replace(patient, whose)
        headers = tuple((name, mine if name == "ce_id" else text) for name, text in template.headers)
        yield replace(template, key=mine, value=value, headers=headers)


def blocks(number: int) -> Iterator[tuple[int, BlockClosed]]:
    """Every closed block, in the order in which they are closed, and where its last study lies."""
    counted = [
        CountedStudy(
            study=pseudonym("study", each), patient=pseudonym("patient", each // 2), ordinal=1 + each % 2
        )
        for each in range(number)
    ]
    for end in range(POLICY.pulse_studies, number + 1, POLICY.pulse_studies):
        closed = BEGAN + timedelta(days=end / A_DAY)
        common = {"epoch": 1, "policy_version": POLICY.version, "closed": coarse(closed, POLICY)}
        k = POLICY.pulse_studies
        figures: Pulse | Portrait = Pulse(
            kind="pulse", number=end // k - 1, k=k, epsilon=1.0, needs_attention=3, **common
        )
        yield (
            end - 1,
            BlockClosed(
                kind="block", studies=tuple(counted[end - k : end]), closed_at=closed, figures=figures
            ),
        )
        k = POLICY.portrait_studies
        if end % k == 0:
            figures = Portrait(
                kind="portrait", number=end // k - 1, k=k, epsilon=1.0, epsilon_histogram=1.0,
                histogram=(1, 2, 3, 14, 70, 5, 5), **common,
            )  # fmt: skip
            yield (
                end - 1,
                BlockClosed(
                    kind="block", studies=tuple(counted[end - k : end]), closed_at=closed, figures=figures
                ),
            )


def history(number: int, places: bool) -> Iterator[Outgoing]:
    """Every record of the hospital and the centre."""
    yield from scored_studies(number)
    opened = EpochOpened(kind="epoch", epoch=1, from_offset=0, opened_at=BEGAN, policy=POLICY)
    yield ledger_record(SITE, opened, NOW)
    for last_at, block in blocks(number):
        yield ledger_record(SITE, block, NOW, last_at if places else None)
        yield from everywhere(release_of(SITE, block))
    first = int(BEGAN.timestamp()) // POLICY.heartbeat_seconds
    for slot in range(first, first + int(number / A_DAY * 86400 / POLICY.heartbeat_seconds)):
        yield from everywhere(heartbeat_of(SITE, 1, slot, POLICY))


def everywhere(release: Outgoing) -> list[Outgoing]:
    """The release in the hospital, and its copy at the centre."""
    return [release, replace(release, topic=at_the_centre(SITE))]


def fill(address: LogAddress, number: int, places: bool) -> int:
    """Write the history; how many records it has."""
    topics = dict.fromkeys((SCORED, *DEAD_LETTERS, LEDGER, RELEASE, DECISIONS, at_the_centre(SITE)), 1)
    with address.open() as log:
        log.create_topics(topics, forever=FOREVER | {at_the_centre(SITE)})
    producer = kafka.KafkaProducer(
        bootstrap_servers=address.bootstrap,
        acks=1,
        linger_ms=50,
        batch_size=512 * 1024,
        metrics_enabled=False,
    )
    sent = 0
    for sent, record in enumerate(history(number, places), start=1):  # noqa: B007 - counted
        stamp = record.timestamp_ms
        producer.send(record.topic, record.value, record.key, list(record.headers), timestamp_ms=stamp)
    producer.flush()
    producer.close()
    return sent


def start(service: str, address: LogAddress, settings: dict[str, str], folder: Path) -> Took:
    """Start the service and wait until it has read everything."""
    program = Service(SITE if service == "aggregation" else "central", service, address, settings, folder)
    began, most = time.monotonic(), 0
    program.launch()
    while not is_ok(program.port, "/readyz"):
        most = max(most, program.child.memory())
        if not program.child.alive():
            raise SystemExit(f"{service} ended:\n{program.child.last_lines()}")
        time.sleep(0.2)
    took = time.monotonic() - began
    most = max(most, program.child.memory())
    times = psutil.Process(program.child.pid).cpu_times()
    program.stop()
    return Took(took, times.user + times.system, most / 2**20)


def measure(number: int, places: bool) -> dict[str, Took]:
    """Both services' starts on a history of so many studies."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Broker(folder / "broker") as broker:
            address = broker.log_address
            began = time.monotonic()
            records = fill(address, number, places)
            print(
                f"{number} studies, {records} records, written in {time.monotonic() - began:.0f} s",
                flush=True,
            )
            settings = {"POLICY": str(POLICIES / "default.yaml"), "AUDIT_LOG": str(folder / "audit.jsonl")}
            first = start("aggregation", address, settings, folder / "logs")
            return {
                "aggregation, its audit log made again too": first,
                "aggregation": start("aggregation", address, settings, folder / "logs"),
                "federation": start("federation", address, {}, folder / "logs"),
            }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--without-places", action="store_true")
    given = parser.parse_args()
    for each in given.studies:
        for what, took in measure(each, not given.without_places).items():
            computed = f"({took.computed:5.1f} s computed)"
            print(f"  {what:<44} {took.seconds:6.1f} s  {computed}  {took.memory_mb:6.0f} MB", flush=True)
