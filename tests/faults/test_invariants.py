"""The judge itself: a good run passes, and every violation that is planted in one is found."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from segwatch.contracts.topics import LEDGER, RELEASE, SCORED, dead_letters
from segwatch.streaming.log import Position, Record
from tests.faults.invariants import Evidence, judge

SIZES = {"pulse": 20, "portrait": 100}
STUDIES = [f"{number:032x}" for number in range(110)]
DEAD = f"{999:032x}"
POISON = Position(SCORED, 0, 500)
LETTER = (("dlq_error", b"missing_object"), ("dlq_reason", b"the store has no such object"))


def record(
    topic: str, offset: int, key: str, data: Any, headers: tuple[tuple[str, bytes], ...] = ()
) -> Record:
    return Record(Position(topic, 0, offset), key.encode(), json.dumps(data).encode(), headers, 1)


def scored(offset: int, study: str, scorer: str = "a", name: str | None = None) -> Record:
    id_ = (name or f"{study}-{scorer}").encode()
    return record(SCORED, offset, study, {"study": study, "scorer": {"sha256": scorer}}, (("ce_id", id_),))


def figures(kind: str, number: int, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "epoch": 1, "number": number, "k": SIZES[kind], **more}


def block(offset: int, kind: str, number: int, studies: list[str], **more: Any) -> Record:
    data = {
        "kind": "block",
        "studies": [{"study": study} for study in studies],
        "figures": figures(kind, number, **more),
    }
    return record(LEDGER, offset, f"{kind}-1-{number}", data)


def release(offset: int, kind: str, number: int, **more: Any) -> Record:
    return record(RELEASE, offset, f"{kind}-1-{number}", figures(kind, number, **more))


def letter(
    topic: str, offset: int, key: str, at: Position, marks: tuple[tuple[str, bytes], ...] = LETTER
) -> Record:
    place = (("dlq_topic", at.topic), ("dlq_partition", str(at.partition)), ("dlq_offset", str(at.offset)))
    return record(
        dead_letters(topic), offset, key, {}, (*marks, *((name, text.encode()) for name, text in place))
    )


def pulses() -> list[Record]:
    return [block(1 + n, "pulse", n, STUDIES[20 * n : 20 * n + 20]) for n in range(5)]


def released() -> list[Record]:
    return [*(release(n, "pulse", n) for n in range(5)), release(5, "portrait", 0)]


def evidence() -> Evidence:
    """A run in which all went well: 110 studies counted, one dead letter, one poison record, and copies."""
    return Evidence(
        sent=frozenset([*STUDIES, DEAD]),
        cases={},
        inside={
            SCORED: [*(scored(n, study) for n, study in enumerate(STUDIES)), scored(110, STUDIES[3])],
            LEDGER: [
                record(LEDGER, 0, "epoch-1-1", {"kind": "epoch", "epoch": 1}),
                *pulses(),
                block(6, "portrait", 0, STUDIES[:100]),
                block(7, "pulse", 4, STUDIES[80:100], needs_attention=3),  # a zombie's, behind the first
            ],
            RELEASE: [*released(), release(6, "pulse", 4)],
            dead_letters(SCORED): [
                letter(SCORED, 0, DEAD, Position("received", 0, 7)),
                letter(SCORED, 1, "poison", POISON),
            ],
        },
        centre=[*released(), release(6, "pulse", 4)],
        poison=frozenset({POISON}),
        counted_studies=110,
        open_tails={"pulse": 10, "portrait": 10},
        sizes=SIZES,
    )


def with_topic(topic: str, change: Callable[[list[Record]], list[Record]]) -> Evidence:
    good = evidence()
    return replace(good, inside={**good.inside, topic: change(list(good.inside[topic]))})


def test_a_run_in_which_all_went_well_is_good() -> None:
    verdict = judge(evidence())
    assert verdict.good, verdict


def test_a_study_that_is_neither_counted_nor_a_dead_letter_is_lost() -> None:
    good = evidence()
    verdict = judge(replace(good, sent=good.sent | {"f" * 32}))
    assert verdict.lost == {"f" * 32}
    assert not verdict.good


def test_a_dead_letter_without_a_reason_saves_no_study() -> None:
    wordless = letter(SCORED, 0, DEAD, Position("received", 0, 7), (("dlq_error", b"x"), ("dlq_reason", b"")))
    verdict = judge(with_topic(dead_letters(SCORED), lambda letters: [wordless, letters[1]]))
    assert verdict.lost == {DEAD}


def test_a_dead_letter_of_ingest_names_the_entry_and_stands_for_its_study() -> None:
    of_entry = letter(SCORED, 0, "case-7", Position("inbox", 0, 0))
    changed = with_topic(dead_letters(SCORED), lambda letters: [of_entry, letters[1]])
    assert judge(replace(changed, cases={"case-7": DEAD})).good
    assert judge(changed).lost == {DEAD}


def test_a_study_in_two_pulses_is_doubled() -> None:
    def twice(ledger: list[Record]) -> list[Record]:
        return [*ledger[:2], block(2, "pulse", 1, [STUDIES[0], *STUDIES[21:40]]), *ledger[3:]]

    assert judge(with_topic(LEDGER, twice)).doubled == {STUDIES[0]}


def test_two_results_of_one_scorer_are_doubled_and_those_of_two_scorers_are_not() -> None:
    other = with_topic(SCORED, lambda records: [*records, scored(111, STUDIES[5], "b")])
    assert judge(other).good
    same = with_topic(SCORED, lambda records: [*records, scored(111, STUDIES[5], "a", "another-id")])
    assert judge(same).doubled == {STUDIES[5]}


@pytest.mark.parametrize("place", ["hospital", "centre"])
def test_a_copy_that_says_something_else_is_a_changed_block(place: str) -> None:
    other = release(9, "pulse", 2, needs_attention=7)
    good = evidence()
    changed = (
        with_topic(RELEASE, lambda records: [*records, other])
        if place == "hospital"
        else replace(good, centre=[*good.centre, other])
    )
    assert judge(changed).changed == {(1, "pulse", 2)}


def test_a_copy_with_another_header_key_or_time_is_a_changed_block() -> None:
    good, copy = evidence(), release(9, "pulse", 2)
    for other in (
        replace(copy, headers=(("ce_id", b"2"),)),
        replace(copy, key=b"other"),
        replace(copy, timestamp_ms=2),
    ):
        assert judge(replace(good, centre=[*good.centre, other])).changed == {(1, "pulse", 2)}


def test_a_release_of_what_the_ledger_says_second_is_a_changed_block() -> None:
    second = release(9, "pulse", 4, needs_attention=3)
    good = evidence()
    inside = {**good.inside, RELEASE: [*released()[:4], second, release(5, "portrait", 0)]}
    centre = [*released()[:4], second, release(5, "portrait", 0)]
    assert judge(replace(good, inside=inside, centre=centre)).changed == {(1, "pulse", 4)}


@pytest.mark.parametrize(
    ("topic", "change", "says"),
    [
        (LEDGER, lambda ledger: [*ledger[:3], *ledger[4:]], "consecutive"),
        (LEDGER, lambda ledger: [*ledger[:5], ledger[6]], "is due and was not closed"),
        (LEDGER, lambda ledger: [*ledger, record(LEDGER, 9, "e", {"kind": "epoch", "epoch": 2})], "epochs"),
        (
            LEDGER,
            lambda ledger: [ledger[0], block(1, "pulse", 0, STUDIES[1:21]), *ledger[2:]],
            "log's order",
        ),
        (
            LEDGER,
            lambda ledger: [*ledger[:5], block(5, "pulse", 4, STUDIES[80:99]), *ledger[6:]],
            "does not hold 20 studies",
        ),
        (RELEASE, lambda records: records[1:], "not released in the hospital"),
        (RELEASE, lambda records: [*records, release(8, "pulse", 5)], "stand for no block"),
        (SCORED, lambda records: [*records, scored(111, "e" * 32)], "that nobody sent"),
        (dead_letters(SCORED), lambda letters: letters[:1], "have no dead letter"),
    ],
)
def test_what_does_not_hold_is_said(
    topic: str, change: Callable[[list[Record]], list[Record]], says: str
) -> None:
    verdict = judge(with_topic(topic, change))
    assert [problem for problem in verdict.broken if says in problem], verdict


def test_a_block_that_did_not_arrive_at_the_centre_is_said() -> None:
    good = evidence()
    verdict = judge(replace(good, centre=good.centre[1:]))
    assert [problem for problem in verdict.broken if "not released at the centre" in problem]


def test_aggregation_that_counts_otherwise_is_said() -> None:
    assert not judge(replace(evidence(), counted_studies=111)).good
    assert not judge(replace(evidence(), open_tails={"pulse": 10, "portrait": 9})).good
