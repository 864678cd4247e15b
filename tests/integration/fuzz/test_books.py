"""Aggregation reads its ledger and its own releases back, whatever a stranger has put there.

Nobody but aggregation may write these topics, so this is the second lock: a strange record that cannot count
changes nothing, one that takes a block's or an epoch's name first counts as the log says
(docs/architecture.md, rule 2), a damage opens a new epoch. Never does the service die, and never leaves what
the policy does not let out.
"""

import copy
import shutil
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwatch.aggregation.aggregation import Aggregation
from segwatch.aggregation.audit_log.verify import verify
from segwatch.aggregation.ledger.ledger import Ledger
from segwatch.aggregation.mechanism.allowed import lets_out
from segwatch.aggregation.mechanism.release import release_of
from segwatch.contracts.envelope import Event, decode
from segwatch.contracts.ledger import (
    BlockClosed,
    CountedStudy,
    EpochOpened,
    LedgerRecord,
    PolicyChanged,
)
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.release import Pulse, SiteRelease
from segwatch.contracts.topics import LEDGER, RELEASE
from segwatch.errors import InvalidMessage
from segwatch.streaming.log import Outgoing
from tests.integration.fuzz.looked_at import EXAMPLES, MOST_MORE_BYTES, looked_at, peak
from tests.support.fuzz import records
from tests.support.messages import NOW, PATIENT
from tests.support.releases import portrait, pulse
from tests.support.site_world import POLICY, World, scored

pytestmark = [pytest.mark.slow, pytest.mark.timeout(0 if EXAMPLES else 300)]
BATCH = 3
STUDIES = [scored(number, patient=number // 2) for number in range(260)]
BEFORE, MEANWHILE = 130, 220
"""Studies that are counted before the strange records come (six pulses, a portrait, and an open tail), and
while they are found; the rest comes behind a new epoch, where there is one."""
OTHER = SitePolicy(version="demo-other", means_of=("no_such_feature", "intensity_mode"))


@pytest.fixture(scope="module")
def site() -> World:
    """A site with a history, to be copied."""
    world = World()
    world.add(STUDIES[:BEFORE])
    service = world.run(world.service(seed=1))
    service.close()
    return world


def copied(site: World) -> World:
    world = World()
    world.log.records = copy.copy(site.log.records)
    world.log.records.update({topic: list(lying) for topic, lying in site.log.records.items()})
    shutil.copy(site.audit_log, world.audit_log)
    return world


def event_of(topic: str, key: str, data: Any) -> Event[Any]:
    return Event(
        id="0" * 32,
        type=topic,
        key=key,
        source="/aggregation",
        time=NOW,
        data=data,
        extensions={"scoredto": "121"} if topic == LEDGER else {},
    )


def next_pulse() -> BlockClosed:
    """What would count as the site's next pulse: of studies that were never scored."""
    return BlockClosed(
        kind="block",
        studies=tuple(
            CountedStudy(study=f"{number:032x}", patient=PATIENT, ordinal=number + 1) for number in range(20)
        ),
        closed_at=NOW,
        figures=Pulse(
            kind="pulse",
            epoch=1,
            number=6,
            k=20,
            policy_version=POLICY.version,
            closed=date(2026, 11, 23),
            epsilon=1.0,
            needs_attention=3,
        ),
    )


ENTRIES = (
    next_pulse(),
    EpochOpened(kind="epoch", epoch=2, from_offset=BEFORE, opened_at=NOW, policy=OTHER),
    PolicyChanged(kind="policy", epoch=1, first_pulse=6, first_portrait=1, changed_at=NOW, policy=OTHER),
)
RELEASES = (pulse(5), pulse(6), portrait(0, (0, 2, 5, 30, 60, 2, 1)))
IN_THE_LEDGER = st.one_of(
    [records(LEDGER, event_of(LEDGER, "strange", LedgerRecord(entry))) for entry in ENTRIES]
)
AMONG_THE_RELEASES = st.one_of(
    [records(RELEASE, event_of(RELEASE, SiteRelease(each).name, SiteRelease(each))) for each in RELEASES]
)


def counting(world: World) -> tuple[list[BlockClosed], list[SitePolicy]]:
    """The ledger's blocks that count, and the policy that each was closed under."""
    ledger, blocks, policies = Ledger(), [], []
    for record in world.log.records[LEDGER]:
        try:
            entry = ledger.read(decode(LEDGER, record.key, record.value, record.headers).data)
        except InvalidMessage:
            ledger.damage()
            continue
        if isinstance(entry, BlockClosed):
            blocks.append(entry)
            policies.append(ledger.policy)
    return blocks, policies


def run(world: World, service: Aggregation) -> Aggregation:
    """Until all is counted; a new epoch is a new start, and takes its rounds."""
    for _ in range(3):
        world.run(service)
    assert service.caught_up
    return service


def books_of(service: Aggregation) -> tuple[Any, ...]:
    """What a process would go on from."""
    books = service.books
    assert books is not None
    assert books.ledger.epoch is not None
    open_ = [list(tail) for tail in books.blocks._tails.values()]
    return books.ledger.epoch, books.ledger.closed, books.ledger.policy, open_


def live(world: World, strange: Sequence[Outgoing], running: Aggregation | None) -> Aggregation:
    """Strange records come, to a process that runs or before it starts; then more studies."""
    if running is not None:
        running.step(0)
    for record in strange:
        world.log.append(record)
    service = run(world, running or world.service(seed=2))
    world.add(STUDIES[BEFORE:MEANWHILE])
    run(world, service)
    before = len(counting(world)[0])
    world.add(STUDIES[MEANWHILE:])
    run(world, service)
    assert len(counting(world)[0]) > before, "after all that, blocks are still closed"
    return service


def disturbed(site: World, strange: Sequence[Outgoing], while_running: bool) -> World:
    """A copy of the site that has lived through strange records, and was checked."""
    world = copied(site)
    service = live(world, strange, world.service(seed=2) if while_running else None)
    check(world, service)
    return world


def check(world: World, service: Aggregation) -> None:
    """What left is what the ledger says, as its policies allow; and another process says the same."""
    blocks, policies = counting(world)
    for block, policy in zip(blocks, policies, strict=True):
        assert lets_out(policy, block.figures)
    lying = {(record.key, record.value) for record in world.log.records[RELEASE]}
    assert {(sent.key, sent.value) for sent in (release_of("hospital-a", block) for block in blocks)} <= lying
    again = run(world, world.service(seed=3))
    assert books_of(again) == books_of(service)
    again.close()
    service.close()


@pytest.mark.parametrize("while_running", [False, True])
def test_a_strange_ledger_never_ends_the_service_and_lets_nothing_out_that_no_policy_allows(
    site: World, while_running: bool
) -> None:
    before, seen = peak(), Counter[str]()

    @looked_at(30)
    @given(strange=st.lists(IN_THE_LEDGER, min_size=1, max_size=BATCH))
    def look(strange: list[Outgoing]) -> None:
        world = disturbed(site, strange, while_running)
        _, found = verify(world.audit_log, world.log, [])  # type: ignore[arg-type]  # it has no consumers
        assert found.problems == []
        (epoch, *_) = books_of(again := run(world, world.service(seed=4)))
        again.close()
        seen["same epoch" if epoch.epoch == 1 else "new epoch"] += 1

    look()
    print(seen)
    assert len(seen) == 2, "some damage the ledger, and some do not"
    assert peak() - before < MOST_MORE_BYTES


@pytest.mark.parametrize("while_running", [False, True])
def test_strange_releases_of_ones_own_change_no_block(site: World, while_running: bool) -> None:
    before, seen = peak(), Counter[str]()

    @looked_at(30)
    @given(strange=st.lists(AMONG_THE_RELEASES, min_size=1, max_size=BATCH))
    def look(strange: list[Outgoing]) -> None:
        world = disturbed(site, strange, while_running)
        blocks, _ = counting(world)
        undisturbed = [block for block in blocks if block.figures.epoch == 1]
        assert undisturbed[:7] == counting(site)[0]
        pulsed = [e.study for b in blocks if b.figures.kind == "pulse" for e in b.studies]
        assert len(set(pulsed)) == len(pulsed), "and no study is counted twice"
        seen["same epoch" if blocks[-1].figures.epoch == 1 else "new epoch"] += 1

    look()
    print(seen)
    assert peak() - before < MOST_MORE_BYTES
