"""Whatever happens, no two releases differ by a few studies, and no study is in two of a kind.

Differential privacy does not need it, and a person who asks does: subtracting one release from another never
leaves fewer studies than the smallest block, and no combination of releases does.

Not in these histories is what docs/privacy.md calls not covered: the ledger lost together with the scored
records of studies that are then scored again, and ledger, release topic and audit log lost at once.
"""

import itertools
import random
from collections import Counter, defaultdict
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from segwatch.aggregation.aggregation import Aggregation
from segwatch.contracts.envelope import decode
from segwatch.contracts.ledger import BlockClosed
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.topics import LEDGER, RELEASE, SCORED
from segwatch.errors import BadInput, InvalidMessage
from segwatch.streaming.log import Outgoing, Record
from tests.support.site_world import POLICY, World, record_of, scored

SMALLEST = 20
STUDIES = [scored(number, patient=number // 5, needs_attention=number % 3 == 0) for number in range(700)]
POLICIES = [
    POLICY,
    SitePolicy(version="demo-25", pulse_studies=25),
    SitePolicy(version="demo-40", pulse_studies=40, portrait_studies=120, epsilon_count=0.5),
]

arrivals = st.tuples(st.sampled_from(["new", "new", "copy", "rescored"]), st.integers(5, 60))
happenings = st.tuples(
    st.sampled_from(["step", "step", "restart", "change the policy", "lose an acknowledgement", "age"]),
    st.integers(0, 3),
)
losses = st.tuples(
    st.sampled_from(["ledger", "end of ledger", "damage", "ledger and releases", "audit log"]),
    st.integers(1, 4),
)


class History:
    """A site's life, and everything that was ever in its ledger and release topic."""

    def __init__(self, seed: int, *, ages: bool) -> None:
        self.world = World()
        self._chance = random.Random(seed)
        self._ages = ages
        self._fresh = iter(STUDIES)
        self._known: list[Any] = []
        self._ledger: list[Record] = []
        self._released: list[Record] = []
        self._services = [self.world.service(), self.world.service()]

    def happen(self, what: str, how: int) -> None:
        if what in {"new", "copy", "rescored"}:
            self._arrive(what, how)
        elif what == "lose an acknowledgement":
            self._fail_once()
        elif what == "age":
            if self._ages:
                self.world.log.forget_before(SCORED, max(0, len(self.world.log.records[SCORED]) - 60))
        elif what in {"step", "restart", "change the policy"}:
            self._serve(what, how)
        else:
            self._lose(what, how)

    def _arrive(self, what: str, many: int) -> None:
        if what == "new":
            studies = list(itertools.islice(self._fresh, many))
            self._chance.shuffle(studies)  # late ones among them
            self._known += studies
        else:
            studies = self._chance.choices(self._known, k=many) if self._known else []
        if what == "rescored":
            studies = [s.model_copy(update={"needs_attention": not s.needs_attention}) for s in studies]
        for study in studies:
            self.world.log.append(record_of(study, what))

    def _serve(self, what: str, how: int) -> None:
        which = how % 2
        if what != "step":
            policy = POLICIES[how % len(POLICIES)] if what == "change the policy" else None
            self._services[which] = self.world.service(policy)
        self._run(self._services[which])

    def _lose(self, what: str, how: int) -> None:
        """Both services are down, as when a broker's disk is lost or put back from a copy."""
        self.note_releases()
        ledger = self.world.log.records[LEDGER]
        if what == "ledger":
            ledger.clear()
        elif what == "end of ledger":
            del ledger[max(0, len(ledger) - how) :]
        elif what == "damage":
            self.world.log.append(Outgoing(LEDGER, b"x", b"not a record"))
        elif what == "ledger and releases":
            ledger.clear()
            self.world.log.records[RELEASE].clear()
        else:
            if not ledger and not self.world.log.records[RELEASE]:
                self._run(self.world.service())  # else all three were lost at once, which is not covered
            self.world.audit_log.unlink(missing_ok=True)
        for which in (0, 1):
            self._services[which] = self.world.service()
            if what == "audit log":
                self._run(self._services[which])  # made again before anything else is lost

    def _run(self, service: Aggregation) -> None:
        with suppress(BadInput):
            self.world.run(service)

    def _fail_once(self) -> None:
        left = [True]
        self.world.log.fault = lambda now: now == "after" and bool(left) and left.pop()

    def note_releases(self) -> None:
        """Remember what is there: an outsider does, whatever the hospital loses later."""
        self._ledger += self.world.log.records[LEDGER]
        self._released += self.world.log.records[RELEASE]

    def blocks(self) -> dict[tuple[int, str, int], frozenset[str]]:
        """The studies of every block that ever left."""
        studies: dict[str, frozenset[str]] = {}
        for record in self._ledger:
            with suppress(InvalidMessage):
                entry = decode(LEDGER, record.key, record.value, record.headers).data.root
                if isinstance(entry, BlockClosed):
                    studies[entry.figures.model_dump_json()] = frozenset(e.study for e in entry.studies)
        found: dict[tuple[int, str, int], frozenset[str]] = {}
        for record in self._released:
            figures = decode(RELEASE, record.key, record.value, record.headers).data.root
            found[figures.epoch, figures.kind, figures.number] = studies[figures.model_dump_json()]
        return found

    def copies(self) -> dict[bytes, set[tuple[Any, ...]]]:
        """The different contents that each release's id was ever seen with."""
        found: dict[bytes, set[tuple[Any, ...]]] = defaultdict(set)
        for r in self._released:
            found[dict(r.headers)["ce_id"]].add((r.key, r.value, r.headers, r.timestamp_ms))
        return found


def _check(history: History) -> int:
    history.note_releases()
    assert all(len(contents) == 1 for contents in history.copies().values())
    blocks = history.blocks()
    for (name, one), (other_name, other) in itertools.combinations(blocks.items(), 2):
        if one & other:
            assert name[1] != other_name[1], "a study is in two blocks of a kind"
            assert one <= other or other <= one
            assert len(one ^ other) >= SMALLEST
    where: dict[str, list[Any]] = defaultdict(list)
    for name, studies in blocks.items():
        for study in studies:
            where[study].append(name)
    together = Counter(tuple(sorted(names)) for names in where.values())
    assert all(number >= SMALLEST for number in together.values())
    return len(blocks)


@settings(max_examples=30, deadline=None)
@given(
    first=st.lists(arrivals, min_size=3, max_size=10),
    then=st.lists(arrivals | happenings, min_size=10, max_size=50),
    lost=st.lists(losses, max_size=3),
    seed=st.integers(0, 1000),
)
def test_no_difference_of_releases_leaves_fewer_studies_than_a_block(
    first: list[tuple[str, int]], then: list[tuple[str, int]], lost: list[tuple[str, int]], seed: int
) -> None:
    history = History(seed, ages=not lost)
    happened = then + lost
    random.Random(seed).shuffle(happened)
    for what, how in [*first, *happened]:
        history.happen(what, how)
    history.world.log.fault = lambda _moment: False
    history.happen("step", 0)
    history.happen("step", 1)
    _check(history)


def test_a_long_life_with_every_loss_releases_blocks_and_keeps_them_apart() -> None:
    history = History(7, ages=False)
    for what, how in [
        ("ledger", 1),
        ("end of ledger", 2),
        ("damage", 1),
        ("ledger and releases", 1),
        ("audit log", 1),
    ]:
        for again in ("new", "rescored", "new", "copy"):
            history.happen(again, 60)
            history.happen("step", 0)
        history.happen("change the policy", len(what))
        history.happen(what, how)
        history.happen("step", 1)
    assert _check(history) > 15
