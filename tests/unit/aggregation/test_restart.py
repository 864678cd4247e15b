"""What a start reads of a long history: what is new, and all where the ledger does not say what that is."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from segwatch.aggregation import aggregation as module
from segwatch.aggregation.books import Books
from segwatch.aggregation.ledger.released import Numbers
from segwatch.contracts.topics import LEDGER, SCORED
from segwatch.streaming.log import Outgoing
from tests.support.site_world import World, record_of, scored

STUDIES = [scored(number, patient=number // 3) for number in range(230)]
PORTRAYED = 200


@pytest.fixture
def world() -> Iterator[World]:
    """A site with two portraits, eleven pulses and ten open studies; its windows want no old record."""
    with patch.object(module, "MOST_STUDIES", 0):
        world = World()
        world.add(STUDIES)
        world.run(world.service())
        yield world


def decoded(world: World) -> list[int]:
    """The offsets of the scored records that a fresh process decodes."""
    seen: list[int] = []
    take = module.Aggregation._take

    def noting(self: module.Aggregation, books: Books, record: object) -> None:
        seen.append(record.at.offset)  # type: ignore[attr-defined]
        take(self, books, record)  # type: ignore[arg-type]

    with patch.object(module.Aggregation, "_take", noting):
        service = world.run(world.service())
    assert service.books is not None
    assert (service.books.blocks.open_studies("pulse"), service.books.blocks.open_studies("portrait")) == (
        10,
        30,
    )
    service.close()
    return seen


def without_places(world: World) -> None:
    """The ledger as older versions wrote it."""
    kept = list(world.log.records[LEDGER])
    world.log.records[LEDGER].clear()
    for record in kept:
        headers = tuple((name, value) for name, value in record.headers if name != "ce_scoredto")
        world.log.append(Outgoing(LEDGER, record.key, record.value, headers))


def test_a_start_reads_only_what_lies_behind_the_last_portrait(world: World) -> None:
    assert decoded(world) == list(range(PORTRAYED, 230))


def test_a_ledger_without_places_has_all_passed_over_and_what_is_done_with_is_not_decoded(
    world: World,
) -> None:
    without_places(world)
    assert decoded(world) == list(range(PORTRAYED, 230))


def test_copies_of_studies_from_long_ago_are_not_counted_again_after_a_start(world: World) -> None:
    world.add(STUDIES[:150], scorer="newer")
    service = world.run(world.service())
    assert service.books is not None
    assert service.books.blocks.open_studies("pulse") == 10
    assert len(world.blocks()) == 13


def test_a_patients_earlier_studies_count_towards_its_limit_after_a_start(world: World) -> None:
    """Studies 228 and 229 are the first two of patient 76; another one of it is the third."""
    world.add([scored(900, patient=76), scored(901, patient=0)])
    service = world.run(world.service())
    assert service.books is not None
    tail = service.books.blocks._tails["pulse"].values()
    ordinals = {slot.entry.study: slot.entry.ordinal for slot in tail}
    assert ordinals[scored(900).study] == 3
    assert ordinals[scored(901).study] == 4


def test_a_scored_topic_that_was_made_anew_is_read_from_its_first_record(world: World) -> None:
    """Other studies lie where the ledger's places point; none of them is passed over."""
    world.log.records[SCORED].clear()
    for number in range(500, 500 + 215):
        world.log.append(record_of(scored(number)))
    service = world.run(world.service())
    assert service.books is not None
    counted = {study for kind in ("pulse",) for study in world.covered(kind)}
    open_ = {slot.entry.study for slot in service.books.blocks._tails["pulse"].values()}
    assert {scored(number).study for number in range(500, 715)} <= counted | open_


def test_numbers_without_a_gap_are_held_and_others_too() -> None:
    numbers = Numbers()
    for number in (0, 1, 3, 1, 2, 7):
        numbers.add(number)
    assert [number for number in range(10) if number in numbers] == [0, 1, 2, 3, 7]
    assert numbers._beyond == {7}
