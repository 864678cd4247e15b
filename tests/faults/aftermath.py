"""After a run: the folds start from nothing and must say the same; then every topic is read, and judged."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from prometheus_client.parser import text_string_to_metric_families

from deploy.local.machine.loopback_http import request
from deploy.local.machine.waiting import comes_true
from segwatch.aggregation.audit_log.verify import verify
from segwatch.contracts.topics import HOSPITAL_TOPICS, at_the_centre
from segwatch.streaming.log import Log
from tests.faults.hands import Hands
from tests.faults.invariants import Evidence
from tests.faults.settled import PORTRAIT, PULSE
from tests.faults.site import SITE, FaultSite
from tests.support.streaming import read_all

PATIENCE_SECONDS = 300.0
LOOK_SECONDS = 0.3
Figures = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]


OF_ARRIVALS = {
    "segwatch_federation_last_arrival_timestamp_seconds",
    "segwatch_federation_listening_since_timestamp_seconds",
    "segwatch_federation_heartbeat_lateness_seconds",
}
"""What a process saw arrive itself: a new one has seen nothing yet, and says so."""


def restarted_from_nothing(site: FaultSite) -> tuple[int, dict[str, int], list[str]]:
    """What aggregation counts and has open after a start from nothing, and what is not as it was before."""
    differ: list[str] = []
    before = _tails(_figures(site, "aggregation"))
    _start_again(site, "aggregation")
    after = _figures(site, "aggregation")
    if _tails(after) != before:
        differ.append(f"aggregation says {_tails(after)} after a start from nothing, {before} before")
    for name in ("aggregation", "bridge"):  # no more heartbeats
        site.away.add(name)
    site.processes["aggregation"].stop()
    if not comes_true(lambda: _all_copied(site), PATIENCE_SECONDS, LOOK_SECONDS):
        raise TimeoutError("the bridge has not copied all")
    site.bridge.stop()
    shown = _still(site, "federation")
    _start_again(site, "federation")
    again = _still(site, "federation")
    differ += [
        f"federation shows {name} {again.get(name)} after a start from nothing, {shown.get(name)} before"
        for name in sorted(shown.keys() | again.keys())
        if shown.get(name) != again.get(name) and name[0] not in OF_ARRIVALS
    ]
    if not shown:
        differ.append("federation shows nothing of the site")
    counted, tails = _tails(after)
    return counted, tails, differ


def audit_problems(site: FaultSite) -> list[str]:
    """What `segwatch privacy verify` says against the audit log: one entry a block, as the log has it."""
    with site.open_log() as log:
        _, findings = verify(site.audit_log, log, ())
    return [f"the audit log: {problem}" for problem in findings.problems]


def evidence_of(hands: Hands, counted: int, tails: dict[str, int]) -> Evidence:
    """Everything that lies in the logs, read anew."""
    site = hands.site
    with site.open_log() as log:
        inside = {topic: read_all(log, topic) for topic in HOSPITAL_TOPICS}
    with site.open_log(centre=True) as log:
        centre = read_all(log, at_the_centre(SITE))
    return Evidence(
        sent=frozenset(hands.studies.every()),
        cases=dict(hands.studies.cases),
        inside=inside,
        centre=centre,
        poison=frozenset(at for write in hands.poison for at in write.result()),
        counted_studies=counted,
        open_tails=tails,
        sizes={"pulse": PULSE, "portrait": PORTRAIT},
    )


def _all_copied(site: FaultSite) -> bool:
    """Whether the last record of the site's releases is at the centre."""
    with _topics(site) as (inside, outside):
        last = read_all(inside, "segwatch.site.release.v1")
        there = read_all(outside, at_the_centre(SITE))
    return not last or (bool(there) and last[-1].key in {record.key for record in there})


@contextmanager
def _topics(site: FaultSite) -> Iterator[tuple[Log, Log]]:
    with site.open_log() as inside, site.open_log(centre=True) as outside:
        yield inside, outside


def _start_again(site: FaultSite, service: str) -> None:
    """kill -9, and another process, which has nothing but the log; wait until it has read it."""
    site.processes[service].stop()
    site.launch_again(service)
    site.processes[service].wait()


def _figures(site: FaultSite, service: str) -> Figures:
    status, body = request(site.processes[service].port, "/metrics", seconds=20)
    assert status == 200, f"{service} shows no metrics"
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
        if sample.name.startswith(("segwatch_site_", "segwatch_federation_"))
        and not sample.name.endswith("_created")
    }


def _still(site: FaultSite, service: str) -> Figures:
    """The figures, once they stand still."""
    found = _figures(site, service)
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        time.sleep(2.0)
        later = _figures(site, service)
        if later == found:
            return found
        found = later
    return found


def _tails(figures: Figures) -> tuple[int, dict[str, int]]:
    """Counted studies, and studies in the open block of each kind."""
    tails = {
        kind: int(figures["segwatch_site_open_tail_studies", (("kind", kind),)])
        for kind in ("pulse", "portrait")
    }
    return int(figures["segwatch_site_counted_studies", ()]), tails
