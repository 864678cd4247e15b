"""Faults of what the site is given and of where it keeps volumes."""

import json
from functools import partial

from segwatch.contracts.topics import MEASURED, RECEIVED, SCORED, SEGMENTED
from segwatch.streaming.log import Outgoing, Record
from tests.faults.hands import Fault, Hands, Steps

USES_THE_STORE = ("ingest", "segmentation", "features")
READER = {RECEIVED: "segmentation", SEGMENTED: "features", MEASURED: "scoring", SCORED: "aggregation"}
TAKEN_SECONDS = 90.0


def faults() -> list[Fault]:
    """All of them."""
    store = frozenset({"store"})
    poison = [
        Fault(
            f"a poison message at the head of {topic}",
            frozenset(),
            (READER[topic],),
            partial(poisoned, topic),
        )
        for topic in READER
    ]
    return [
        *poison,
        Fault("the volume store away", store, USES_THE_STORE, store_away),
        Fault("the volume store slow", store, USES_THE_STORE, store_slow),
        Fault(
            "a message names an object that is missing",
            frozenset({"segmentation", "store"}),
            ("segmentation",),
            missing,
        ),
        Fault("the same study delivered three times", frozenset(), ("ingest",), delivered_again),
    ]


def store_away(hands: Hands) -> Steps:
    """Its folder is not there, as where a volume is not mounted."""
    store, away = hands.site.store, hands.site.folder / "store.away"
    store.rename(away)
    yield from hands.wait(hands.lasting(8, 25, least=3))
    away.rename(store)
    return True


def store_slow(hands: Hands) -> Steps:
    """Every read and write takes long."""
    seconds = hands.chance.uniform(0.3, 1.0)
    armed = hands.site.arm("store", "slow", str(seconds))
    yield from hands.wait(hands.lasting(15, 40, least=4))
    armed.unlink()
    return True


def missing(hands: Hands) -> Steps:
    """A study's volume is gone from the store before segmentation has read it."""
    site, number = hands.site, hands.studies.take()
    if number is None:
        return False
    stage = site.processes["segmentation"]
    site.freeze(stage)
    study = hands.studies.pseudonym_of(number)
    hands.studies.drop(number)
    announced = partial(_announced, hands, study)
    yield from hands.until(lambda: announced() is not None, TAKEN_SECONDS)
    record = announced()
    if record is not None:
        (site.store / json.loads(record.value or b"")["ct"]["key"]).unlink(missing_ok=True)
    site.wake(stage)
    return record is not None


def poisoned(topic: str, hands: Hands) -> Steps:
    """What no service can read: no JSON, another message, nothing, or a megabyte of zeros."""
    yield
    known = hands.watcher.records[topic]
    headers = known[-1].headers if known else ()
    garbage = hands.chance.choice((b"\xff\x00 no message", b"{}", b"", b"\0" * 900_000, b'{"study": NaN}'))
    record = Outgoing(topic, hands.chance.randbytes(8).hex().encode(), garbage, headers)
    hands.poison.append(hands.put([record]))
    return True


def delivered_again(hands: Hands) -> Steps:
    """In the inbox under two more names, and as copies of its records in every topic."""
    yield
    if hands.studies.dropped == 0:
        return False
    number = hands.chance.randrange(hands.studies.dropped)
    for time in ("second", "third"):
        hands.studies.drop(number, f"case-{number:05d}-{time}-{hands.chance.randrange(10**6)}")
    study = hands.studies.pseudonym_of(number).encode()
    known = [record for topic in READER for record in hands.watcher.records[topic] if record.key == study]
    hands.put([again(record) for record in known for _ in range(2)])
    return True


def again(record: Record) -> Outgoing:
    """The same record once more."""
    return Outgoing(record.at.topic, record.key, record.value, record.headers, record.timestamp_ms)


def _announced(hands: Hands, study: str) -> Record | None:
    found = [record for record in hands.watcher.records[RECEIVED] if record.key == study.encode()]
    return found[0] if found else None
