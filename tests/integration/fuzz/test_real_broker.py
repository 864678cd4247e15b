"""All services as processes on a real broker, and on every topic that they read good messages among bad ones.

What hypothesis makes of the schemas is a fixed sample here (`test_messages.py` looks further), and beside it
stand records that only a real log carries: without key, without value, nearly as large as it takes.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from deploy.local.kafka.broker import Broker
from deploy.local.machine import jars
from deploy.local.machine.folders import MODELS, POLICIES
from deploy.local.machine.loopback_http import is_ok
from deploy.local.machine.supervisor import running as all_running
from deploy.local.stack.service import Service
from segwatch.aggregation.ledger.ledger import Ledger
from segwatch.contracts.envelope import Event, encode
from segwatch.contracts.ledger import EpochOpened
from segwatch.contracts.release import Pulse, SiteRelease
from segwatch.contracts.topics import (
    LEDGER,
    MEASURED,
    RECEIVED,
    RELEASE,
    SCORED,
    SEGMENTED,
    at_the_centre,
)
from segwatch.streaming.kafka.records import MOST_UNPACKED
from segwatch.streaming.log import Outgoing, outgoing
from segwatch.streaming.topics import make_centre_topics, make_hospital_topics
from tests.integration.fuzz.looked_at import MOST_MORE_BYTES, looked_at
from tests.integration.fuzz.test_inbox import GOOD, write
from tests.support.folders import made
from tests.support.fuzz import records
from tests.support.messages import event_of
from tests.support.odd_records import OddName, send_packed
from tests.support.releases import at_centre, heartbeat, pulse
from tests.support.running_site import Running, most_resident, readable
from tests.support.streaming import eventually

pytestmark = [pytest.mark.broker, pytest.mark.slow, pytest.mark.timeout(600)]
SITE = "hospital-a"
SAMPLE = 40
"""Of each topic."""
SECONDS = 120.0
PACKED_BYTES = 2 * MOST_UNPACKED
STAGES = {RECEIVED: "segmentation", SEGMENTED: "features", MEASURED: "scoring", SCORED: "aggregation"}
WHOLE = {
    "connected_components": 3.0,
    "intensity_mode": -300.0,
    "segmentation_smoothness": 0.8,
    "lesions_within_lungs": 0.9,
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, store_folder: Path) -> Iterator[Running]:
    why = jars.available()
    if why is not None:
        pytest.skip(f"no Kafka broker here: {why}")
    folder = tmp_path_factory.mktemp("site")
    (folder / "secret").write_bytes(b"a secret of enough bytes")
    with Broker(folder / "broker") as broker, broker.log_address.open() as log:
        make_hospital_topics(log)
        make_centre_topics(log, [SITE])
        store = {"STORE": str(store_folder)}
        settings = {
            "ingest": {
                **store,
                "INBOX": str(made(folder / "inbox")),
                "PSEUDONYM_SECRET_FILE": str(folder / "secret"),
                "QUIET_SECONDS": "0.2",
            },
            "segmentation": {**store, "LESION_MODEL": "", "THREADS": "1"},
            "features": store,
            "scoring": {"SCORER": str(MODELS / "demo-scorer")},
            "aggregation": {
                "POLICY": str(POLICIES / "default.yaml"),
                "AUDIT_LOG": str(folder / "audit.jsonl"),
            },
            "federation": {},
        }
        services = {
            name: Service(SITE, name, broker.log_address, own, folder / "logs")
            for name, own in settings.items()
        }
        with all_running(*services.values()):
            yield Running(log, broker.bootstrap, services, folder / "inbox")


def sampled(topic: str, good: Event[Any]) -> list[Outgoing]:
    """The same records each time."""
    found: list[Outgoing] = []

    @looked_at(SAMPLE)
    @given(record=records(topic, good))
    def look(record: Outgoing) -> None:
        found.append(record)

    look()
    return found[:SAMPLE]


def by_hand(topic: str, good: Event[Any]) -> list[Outgoing]:
    """What the sample may not hold."""
    key, value, headers = encode(good)
    message = json.loads(value)

    def made(value: bytes | None, key: bytes | None = key, headers: Any = headers) -> Outgoing:
        return Outgoing(topic, key, value, headers)

    return [
        made(None),
        made(None, key=None, headers=()),
        made(b""),
        made(value, key=b"\xff\xfe"),
        made(value, headers=()),
        made(value, headers=tuple((name, b"\xff") for name, _ in headers)),
        made(value, headers=(*headers, ("ce_type", b"another"))),
        made(value, headers=(*headers, (OddName(b"\xff\xfe"), b""))),
        made(b"\xff\xfe" + value),
        made(value[:-1]),
        made(value.decode().encode("utf-16")),
        made(b"[" * 900_000),
        made(b'{"study":' * 90_000),
        made(b'{"study":"' + b"5" * 900_000 + b'"}'),
        made(bytes(900_000)),
        made(json.dumps(message | {"more": 1}).encode()),
        made(json.dumps(dict.fromkeys(message, 10**400)).encode()),
        made(json.dumps(dict.fromkeys(message, 1e308)).encode()),
        made(json.dumps(dict.fromkeys(message)).encode()),
    ]


def batch_of(topic: str, good: Event[Any]) -> list[Outgoing]:
    """A sample, with good messages of other studies among it, and one behind it."""
    batch = [*by_hand(topic, good), *sampled(topic, good)]
    for number in range(3):
        batch.insert((number + 1) * len(batch) // 4, outgoing(topic, named(good, number)))
    return [*batch, outgoing(topic, named(good, 3))]


def named(good: Event[Any], number: int) -> Event[Any]:
    """The good message as another study's."""
    study = f"{list(STAGES).index(good.type) + 1:x}{number:031x}"
    data = good.data.model_copy(update={"study": study})
    return Event(study, good.type, study, good.source, good.time, data, good.correlation)


def settled(running: Running, topic: str, offsets: Sequence[int]) -> bool:
    """Whether the stage has done with all records up to the last, which is a good one."""
    study = named(event_of(topic), 3).key
    if topic == SCORED:
        return running.metric("aggregation", "segwatch_stage_messages_total") > offsets[-1]
    return any(event.key == study for event in running.events(SCORED))


def test_all_services_live_through_all_topics(
    running: Running, received: Event[Any], segmented: Event[Any]
) -> None:
    before = {name: most_resident(service) for name, service in running.services.items()}
    good = {
        RECEIVED: received,
        SEGMENTED: segmented,
        MEASURED: event_of(MEASURED, features=WHOLE, undefined={}, status="measured"),
        SCORED: event_of(SCORED),
    }
    batches = {topic: batch_of(topic, event) for topic, event in good.items()}
    packed = {topic: send_packed(running.bootstrap, topic, PACKED_BYTES) for topic in STAGES}
    send_packed(running.bootstrap, at_the_centre(SITE), PACKED_BYTES)
    offsets = {topic: running.put(batch) for topic, batch in batches.items()}
    centre = [*sampled(RELEASE, release_event()), *by_hand(RELEASE, release_event())]
    running.put([Outgoing(at_the_centre(SITE), each.key, each.value, each.headers) for each in centre])
    running.put([at_centre(SITE, each) for each in (pulse(100), pulse(101), heartbeat(10**9))])
    write(running.inbox / "good", {"ct.nii.gz": GOOD})
    write(running.inbox / os.fsdecode(b"n\xf6"), {"ct.nii.gz": GOOD})
    write(running.inbox / "bad", {"ct.nii.gz": GOOD[:-1]})

    for topic in STAGES:
        eventually(lambda topic=topic: settled(running, topic, offsets[topic]), SECONDS)
        check_letters(running, topic, batches[topic], offsets[topic])
        own = [each for each in running.letters(topic) if each["dlq_stage"] == STAGES[topic]]
        assert [each["dlq_error"] for each in own if each["dlq_offset"] == str(packed[topic])] == [
            "invalid_message"
        ]
    check_inbox(running)
    check_centre(running, centre)
    check_books(running)

    more = {name: most_resident(service) - before[name] for name, service in running.services.items()}
    print({name: f"{each / 2**20:.0f} MB more" for name, each in more.items()})
    for name, service in running.services.items():
        assert service.child.alive(), name
        assert service.restarts == 0, name
        assert is_ok(service.port, "/readyz"), name
        assert more[name] < MOST_MORE_BYTES, name


def check_letters(running: Running, topic: str, batch: Sequence[Outgoing], offsets: Sequence[int]) -> None:
    """Each bad message has one dead letter with its reason, and each good one went through."""
    letters = [each for each in running.letters(topic) if each["dlq_stage"] == STAGES[topic]]
    found = Counter(int(each["dlq_offset"]) for each in letters)
    errors = {int(each["dlq_offset"]): each["dlq_error"] for each in letters}
    assert set(found.values()) <= {1}
    assert all(each["dlq_reason"] for each in letters)
    for record, offset in zip(batch, offsets, strict=True):
        is_bad = readable(topic, record) is None
        assert (errors.get(offset) == "invalid_message") == is_bad, (topic, offset, errors.get(offset))
    assert not any(error.startswith(("unexpected", "ended")) for error in errors.values()), errors
    assert sum(error == "invalid_message" for error in errors.values()) > SAMPLE / 4, "the fuzz is not tame"
    through = {event.key for event in running.events(SCORED)}
    assert {named(event_of(topic), number).key for number in range(4)} <= through


def check_inbox(running: Running) -> None:
    """The bad entries are put aside with their reason, the good one is announced and goes its way."""
    receipts = running.inbox / ".receipts"
    eventually(lambda: len(list(receipts.glob("*.json"))) == 3, SECONDS)
    told = {each["case"]: each for each in map(json.loads, (p.read_text() for p in receipts.glob("*.json")))}
    assert told["good"]["outcome"] == "announced"
    kinds = Counter(each["kind"] for each in told.values() if each["outcome"] == "rejected")
    letters = [each for each in running.letters(RECEIVED) if each["dlq_stage"] == "ingest"]
    assert Counter(each["dlq_error"] for each in letters) == kinds == {"bad_name": 1, "truncated_file": 1}
    study = told["good"]["study"]
    eventually(lambda: any(event.key == study for event in running.events(RECEIVED)), SECONDS)


def check_centre(running: Running, strange: Sequence[Outgoing]) -> None:
    """What is no release is refused and counted, and what is one is shown."""
    refused = 1 + sum(not is_release(record) for record in strange)  # and the packed one
    name = "segwatch_federation_refused_total"
    eventually(lambda: running.metric("federation", name) == refused, SECONDS)
    eventually(lambda: running.metric("federation", "segwatch_federation_pulses{") >= 2, SECONDS)
    beat = running.metric("federation", "segwatch_federation_last_heartbeat_timestamp_seconds{")
    assert beat == 300 * 10**9


def check_books(running: Running) -> None:
    """Junk among ledger and own releases opens a new epoch, in which blocks are closed again."""
    ledger, own = event_of(LEDGER), release_event()
    running.put([*by_hand(LEDGER, ledger), *sampled(LEDGER, ledger)])
    running.put([*by_hand(RELEASE, own), *sampled(RELEASE, own)])
    good = event_of(SCORED)

    def add(start: int) -> None:
        running.put([outgoing(SCORED, named(good, number)) for number in range(start, start + 20)])

    add(100)
    eventually(lambda: any(epoch > 1 for epoch in epochs(running)), SECONDS)
    eventually(lambda: is_ok(running.services["aggregation"].port, "/readyz"), SECONDS)
    add(200)
    newest: Callable[[], bool] = lambda: (max(epochs(running)), 0) in pulses(running)  # noqa: E731
    eventually(newest, SECONDS)


def epochs(running: Running) -> list[int]:
    """Those that count, in order: a sampled one may bear a known policy's version with another content."""
    ledger = Ledger()
    entries = [ledger.read(event.data) for event in running.events(LEDGER)]
    return [entry.epoch for entry in entries if isinstance(entry, EpochOpened)]


def pulses(running: Running) -> set[tuple[int, int]]:
    releases = [event.data.root for event in running.events(RELEASE)]
    return {(figures.epoch, figures.number) for figures in releases if isinstance(figures, Pulse)}


def release_event() -> Event[SiteRelease]:
    release = SiteRelease(pulse(0))
    good = event_of(RELEASE)
    return Event("0" * 32, RELEASE, release.name, "/aggregation", good.time, release)


def is_release(record: Outgoing) -> bool:
    event = readable(RELEASE, record)
    return event is not None and (record.key or b"").decode(errors="replace") == event.data.name
