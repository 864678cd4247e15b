"""Nothing lost, nothing twice: whatever order, copies, restarts, zombies and faults there are."""

import random
from collections.abc import Sequence
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from segwatch.aggregation.aggregation import Aggregation
from segwatch.contracts.envelope import decode
from segwatch.contracts.topics import LEDGER, RELEASE
from segwatch.streaming.log import Outgoing
from tests.support.site_world import World, record_of, scored

STUDIES = [scored(number, patient=number // 6, needs_attention=number % 3 == 0) for number in range(260)]
FIRST = [record_of(study, "first") for study in STUDIES]
LATER = [
    record_of(study.model_copy(update={"needs_attention": not study.needs_attention}), "later")
    for study in STUDIES
]

FAULTS = {"away": "before", "unacknowledged": "after", "unreadable": "read"}

arrivals = st.lists(
    st.tuples(st.sampled_from(["new", "copy", "rescored"]), st.integers(1, 30)), min_size=5, max_size=40
)
windows = st.sampled_from([0, 7, 999])
"""How many records the windows want: beside them a start reads only what is new."""
happenings = st.lists(
    st.sampled_from(["step a", "step b", "restart a", "restart b", "away", "unacknowledged", "unreadable"]),
    min_size=5,
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(arrivals=arrivals, happenings=happenings, seed=st.integers(0, 1000), windows=windows)
def test_every_study_is_in_exactly_one_block_of_each_kind_or_in_the_tail(
    arrivals: list[tuple[str, int]], happenings: list[str], seed: int, windows: int
) -> None:
    world = World()
    with patch("segwatch.aggregation.aggregation.MOST_STUDIES", windows):
        order = _live_through(world, arrivals, happenings, random.Random(seed))
        service = world.run(world.service())
    for kind, size in (("pulse", 20), ("portrait", 100)):
        whole = len(order) // size * size
        assert world.covered(kind) == order[:whole]
        assert service.books is not None
        assert service.books.blocks.open_studies(kind) == len(order) - whole
    _assert_released_what_counts(world)


def _live_through(
    world: World, arrivals: list[tuple[str, int]], happenings: list[str], chance: random.Random
) -> list[str]:
    """Let things happen in random order to two services on one log; the studies in their first order."""
    services = {"a": world.service(), "b": world.service()}
    known = 0
    steps = [*(("arrival", *arrival) for arrival in arrivals), *((what, "", 0) for what in happenings)]
    chance.shuffle(steps)
    for what, how, many in steps:
        if what == "arrival":
            known += _arrive(world, how, many, known, chance)
        elif what in FAULTS:
            _fail_once(world, FAULTS[what])
        else:
            verb, name = what.split()
            if verb == "restart":
                services[name] = world.service()
            world.run(services[name])
    world.log.fault = lambda _moment: False
    for service in services.values():
        world.run(service)
    return [study.study for study in STUDIES[:known]]


def _arrive(world: World, how: str, many: int, known: int, chance: random.Random) -> int:
    if how == "new":
        fresh = FIRST[known : known + many]
        for record in fresh:
            world.log.append(record)
        return len(fresh)
    for number in chance.choices(range(known), k=many if known else 0):
        world.log.append((FIRST if how == "copy" else LATER)[number])
    return 0


def _fail_once(world: World, moment: str) -> None:
    left = [True]

    def fault(now: str) -> bool:
        return now == moment and bool(left) and left.pop()

    world.log.fault = fault


def _assert_released_what_counts(world: World) -> None:
    """The releases are the ledger's blocks, in each kind's order, and all copies are the same bytes."""
    released = [decode(RELEASE, r.key, r.value, r.headers).data.root for r in world.releases()]
    blocks = [figures for figures in released if figures.kind != "heartbeat"]
    assert blocks == [block.figures for block in world.blocks()]
    for record in world.log.records[RELEASE]:
        (same,) = [r for r in world.releases() if r.headers == record.headers]
        assert (same.key, same.value, same.timestamp_ms) == (record.key, record.value, record.timestamp_ms)


def test_a_zombie_that_writes_first_decides_and_both_release_the_same(world: World) -> None:
    world.add(STUDIES[:20])
    ours, zombie = world.service(seed=1), world.service(seed=5)

    def slip_in(records: Sequence[Outgoing]) -> None:
        if records[0].topic == LEDGER and b'"block"' in (records[0].value or b""):
            world.log.on_send = lambda _records: None
            world.run(zombie)

    world.run_until_open(ours)
    world.log.on_send = slip_in
    world.run(ours)
    first, second = [r for r in world.ledger() if r.kind == "block"]
    assert first.figures != second.figures  # they drew different noise
    copies = [r.value for r in world.log.records[RELEASE]]
    assert len(copies) == 2
    assert copies[0] == copies[1]
    assert decode(RELEASE, *_of(world, 0)).data.root == first.figures


def _of(world: World, offset: int) -> tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]:
    record = world.log.records[RELEASE][offset]
    return record.key, record.value, record.headers


def test_a_block_whose_release_was_lost_in_a_crash_is_sent_at_the_next_start(world: World) -> None:
    world.add(STUDIES[:45])
    world.run(world.service())
    sent = list(world.log.records[RELEASE])
    del world.log.records[RELEASE][1:]
    world.run(world.service())
    assert [(r.key, r.value, r.headers, r.timestamp_ms) for r in world.log.records[RELEASE]] == [
        (r.key, r.value, r.headers, r.timestamp_ms) for r in sent
    ]


def test_started_again_from_nothing_it_writes_nothing_and_knows_the_same(world: World) -> None:
    world.add(STUDIES)
    before = world.run(world.service())
    written = {topic: len(records) for topic, records in world.log.records.items()}
    after = world.run(world.service())
    assert {topic: len(records) for topic, records in world.log.records.items()} == written
    assert _state(after) == _state(before)


def _state(service: Aggregation) -> object:
    books = service.books
    assert books is not None
    tails = [books.blocks.open_studies(kind) for kind in ("pulse", "portrait")]
    return tails, books.ledger.blocks_ever, books.ledger.studies_ever, books.ledger.policy, books.epoch
