"""One real centre under many release topics: what it takes, and how that grows.

`python -m benchmarks.centre` fills a real Kafka with what `--topics` sites released until now (a hospital
with three models is three sites, so three topics), at the shipped policy's pace and 500 studies a day each;
then federation's real processes read it, and a real Prometheus with the shipped rules and an Alertmanager
stand behind them, at the shipped interval. Then the sites go on releasing, `SPEED` times as fast as in life.
`--days` is the history's length; where none is given, each number of topics has as many records.
`--members 2` shares the sites out. One JSON line for each number of topics.
"""

import argparse
import json
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.centre_history import Hospitals, site_names
from deploy.alerting.contacts import Contact, Contacts
from deploy.alerting.rules import rule_file
from deploy.local.kafka.broker import Broker
from deploy.local.machine.binaries import ALERTMANAGER, PROMETHEUS, find
from deploy.local.machine.loopback_http import is_ok
from deploy.local.machine.supervisor import Program, running, stop_all
from deploy.local.stack.alertmanager import Alertmanager
from deploy.local.stack.pager import Pager
from deploy.local.stack.prometheus import Prometheus, Target, configuration
from deploy.local.stack.service import Service
from segwatch.streaming.topics import make_centre_topics

RECORDS = 60_000
"""Of each history where no days are given."""
RECORDS_A_DAY = 318
"""Of one site: 288 heartbeats, 25 pulses, 5 portraits."""
SPEED = 60
LIVE_SECONDS = 90
EVERY = "15s"
TIMEOUT = 120


@dataclass
class Found:
    """What was measured with one number of topics; seconds of processor are of all members together."""

    topics: int
    days: float
    members: int
    records: int
    caught_up_seconds: float
    caught_up_processor: float
    federation_mb: float
    federation_most_mb: float
    idle_processor_a_second: float = 0.0
    live_records: int = 0
    live_processor: float = 0.0
    live_seconds: float = 0.0
    scrape_seconds: float = 0.0
    scrape_mb: float = 0.0
    samples: int = 0
    series: int = 0
    rules_seconds: float = 0.0
    slowest_group: str = ""
    prometheus_mb: float = 0.0
    prometheus_processor_a_second: float = 0.0
    alertmanager_mb: float = 0.0
    kafka_mb: float = 0.0

    @property
    def processor_a_day(self) -> float:
        """Federation's, of a day as it is: idle all day and scraped, and each record on top."""
        more = self.live_processor - self.idle_processor_a_second * self.live_seconds
        return (
            86_400 * self.idle_processor_a_second
            + max(more, 0.0) / self.live_records * self.topics * RECORDS_A_DAY
        )


def processor(programs: Sequence[Program]) -> float:
    """Seconds of processor that they took so far."""
    times = [psutil.Process(program.child.pid).cpu_times() for program in programs]
    return sum(each.user + each.system for each in times)


def memory_mb(programs: Sequence[Program]) -> float:
    """Resident memory of the largest."""
    return max(program.child.memory() for program in programs) / 2**20


def asked(program: Program) -> bytes:
    """Its metrics."""
    with urllib.request.urlopen(f"http://{program.address}/metrics", timeout=TIMEOUT) as answer:
        return bytes(answer.read())


def figures(text: bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Samples by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def catch_up(programs: Sequence[Program], topics: int, records: int, days: float) -> Found:
    """Start federation, and wait until it has read everything."""
    began, most = time.monotonic(), 0.0
    for each in programs:
        each.launch()
    while not all(is_ok(each.port, "/readyz") for each in programs):
        most = max(most, memory_mb(programs))
        if dead := [each for each in programs if not each.child.alive()]:
            raise SystemExit(f"federation ended:\n{dead[0].child.last_lines()}")
        time.sleep(0.5)
    took = time.monotonic() - began
    return Found(topics, days, len(programs), records, took, processor(programs), memory_mb(programs), most)


def watch_live(
    found: Found, hospitals: Hospitals, until: datetime,
    federation: Sequence[Program], prometheus: Prometheus, told: Alertmanager, kafka: Broker,
) -> None:  # fmt: skip
    """First nothing comes, then the sites release; Prometheus asks all the while."""
    time.sleep(20)
    before, began = processor(federation), time.monotonic()
    time.sleep(40)
    found.idle_processor_a_second = (processor(federation) - before) / (time.monotonic() - began)
    before, began, asked_before = processor(federation), time.monotonic(), processor([prometheus])
    while (past := time.monotonic() - began) < LIVE_SECONDS:
        found.live_records += hospitals.release_until(until + SPEED * timedelta(seconds=past))
        time.sleep(0.5)
    found.live_seconds = time.monotonic() - began
    found.live_processor = processor(federation) - before
    found.prometheus_processor_a_second = (processor([prometheus]) - asked_before) / found.live_seconds
    began = time.monotonic()
    pages = [asked(each) for each in federation]
    found.scrape_seconds = (time.monotonic() - began) / len(pages)
    found.scrape_mb = sum(map(len, pages)) / 2**20
    found.samples = sum(len(figures(page)) for page in pages)
    own = figures(asked(prometheus))
    found.series = int(own["prometheus_tsdb_head_series", frozenset()])
    groups = {
        dict(labels)["rule_group"].split(";")[-1]: value
        for (name, labels), value in own.items()
        if name == "prometheus_rule_group_last_duration_seconds"
    }
    found.rules_seconds = sum(groups.values())
    slowest = max(groups, key=lambda group: groups[group])
    found.slowest_group = f"{slowest} {groups[slowest]:.3f}"
    found.prometheus_mb, found.alertmanager_mb = memory_mb([prometheus]), memory_mb([told])
    found.kafka_mb, found.federation_most_mb = (
        memory_mb([kafka]),
        max(found.federation_most_mb, memory_mb(federation)),
    )


def measure(topics: int, days: float, members: int, folder: Path, *, live: bool) -> Found:
    """One centre with so many topics."""
    programs = {binary: find(binary) for binary in (PROMETHEUS, ALERTMANAGER)}
    assert all(programs.values()), "Prometheus or Alertmanager is not on this machine: `make setup`"
    sites, now = site_names(topics), datetime.now(UTC)
    kafka = Broker(folder / "kafka", name="the centre's Kafka")
    pager = Pager()
    with running(kafka):
        with kafka.log_address.open() as log:
            make_centre_topics(log, sites)
        hospitals = Hospitals(kafka.log_address, sites, now - timedelta(days=days))
        records = hospitals.release_until(now)
        shared = {"SHARE_SITES": "true"} if members > 1 else {}
        federation = [
            Service("central", "federation", kafka.log_address, shared, folder / f"logs-{number}")
            for number in range(members)
        ]
        try:
            found = catch_up(federation, topics, records, days)
            if live:
                told = Alertmanager(
                    "alertmanager", programs[ALERTMANAGER], folder / "alertmanager",
                    Contacts(page=Contact(webhooks=[pager.url("central")])),
                )  # fmt: skip
                with running(told):
                    rules = folder / "centre.yaml"
                    rules.write_text(json.dumps(rule_file("centre")))
                    config = configuration(
                        [Target("federation", each.address) for each in federation],
                        [rules], every=EVERY, alertmanager=told.address,
                    )  # fmt: skip
                    prometheus = Prometheus("prometheus", programs[PROMETHEUS], folder / "prometheus", config)
                    with running(prometheus):
                        watch_live(found, hospitals, now, federation, prometheus, told, kafka)
        finally:
            stop_all(federation)
            hospitals.close()
            pager.close()
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--topics", type=int, nargs="+", default=[10, 40, 120, 400, 1000])
    parser.add_argument("--days", type=float)
    parser.add_argument("--members", type=int, default=1)
    parser.add_argument("--restart-only", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    for number in given.topics:
        with tempfile.TemporaryDirectory() as name:
            length = given.days or RECORDS / RECORDS_A_DAY / number
            one = measure(number, length, given.members, Path(name), live=not given.restart_only)
        print(
            json.dumps(asdict(one) | {"processor_a_day": one.processor_a_day if one.live_records else 0}),
            flush=True,
        )
