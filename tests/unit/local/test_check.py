"""Nothing lost, nothing counted twice: what the check sees."""

import pytest

from deploy.local.judge.check import check_audit_log, problems
from deploy.local.judge.receipts import CaseReceipt
from deploy.local.judge.site_view import BlockName
from segwatch.contracts.topics import LEDGER, RELEASE, SCORED
from segwatch.streaming.log import Outgoing, Position, Record
from tests.support.site_world import World, scored


def found(site, extra_cases=()):
    return problems("hospital-a", [*site.receipts, *extra_cases], site.receipts, site.view, site.centre)


def test_a_site_whose_books_are_right_has_no_problems(full_site):
    assert found(full_site) == []


def test_a_case_without_a_receipt_is_lost(full_site):
    assert found(full_site, ["case-99999"]) == [
        "hospital-a: 1 cases without a receipt from ingest: case-99999"
    ]


def test_a_study_that_is_neither_scored_nor_put_aside_is_lost(full_site):
    full_site.arrive(100)
    assert found(full_site) == ["hospital-a: 1 cases neither scored nor among the dead letters: case-00100"]


def test_a_second_copy_of_a_score_is_harmless(full_site):
    full_site.score(3)
    assert found(full_site) == []


def test_two_different_results_of_one_study_are_seen(full_site):
    full_site.score(3, name="f" * 32)
    (problem,) = found(full_site)
    assert "studies with two different results" in problem


def test_a_study_in_two_pulses_is_seen(site):
    for number in range(40):
        site.arrive(number)
        site.score(number)
    site.close(0, list(range(20)))
    site.close(1, list(range(19, 39)))
    told = " ".join(found(site))
    assert "1 studies in two pulses" in told
    assert "do not follow the order" in told


def test_a_study_that_the_blocks_leave_out_is_seen(site):
    for number in range(40):
        site.arrive(number)
        site.score(number)
    site.close(0, [*range(5), *range(6, 21)])
    told = " ".join(found(site))
    assert "the pulses do not follow the order" in told


def test_a_pulse_that_is_due_and_not_closed_is_seen(site):
    for number in range(20):
        site.arrive(number)
        site.score(number)
    assert found(site) == ["hospital-a: a pulse is due and was not closed: 20 studies wait"]


def test_a_block_that_did_not_arrive_at_the_centre_is_seen(full_site):
    del full_site.centre["pulse", 1, 1]
    assert found(full_site) == ["hospital-a: 1 blocks not released at the centre: pulse 2 of epoch 1"]


def test_a_release_that_differs_in_one_bit_is_seen(full_site):
    name: BlockName = ("pulse", 1, 0)
    value = bytearray(full_site.centre[name])
    value[-3] ^= 1
    full_site.centre[name] = bytes(value)
    (problem,) = found(full_site)
    assert "releases at the centre that differ from the ledger" in problem


def test_a_release_that_nobody_closed_is_seen(full_site):
    full_site.centre["portrait", 1, 0] = b"{}"
    (problem,) = found(full_site)
    assert "releases at the centre that no block of the ledger stands for" in problem


@pytest.mark.parametrize("outcome", ["rejected", "announced"])
def test_a_rejected_case_ends_among_the_dead_letters_or_is_lost(site, outcome):
    site.receipts["case-00001"] = CaseReceipt("case-00001", None, outcome, "truncated_file", "it ends early")
    assert len(found(site)) == 1


def test_a_record_that_breaks_its_schema_is_counted(full_site):
    full_site.view.read(Record(Position(SCORED, 0, 0), b"k", b"{}", (), 0))
    assert found(full_site) == ["hospital-a: 1 records do not keep to their schema"]


@pytest.fixture
def world():
    """A hospital that has released six pulses and a portrait."""
    world = World()
    world.add([scored(number) for number in range(130)])
    world.run(world.service()).close()
    return world


def audit(world):
    return check_audit_log("hospital-a", world.audit_log, world.log)


def test_an_audit_log_that_says_what_left_is_said_to_be_whole_in_one_line(world):
    assert audit(world).problems == []
    said = "the audit log of 8 entries, 7 of them blocks, is whole, and as ledger and release topic say"
    assert audit(world).summary == f"hospital-a: {said}"


def changed(world):
    text = world.audit_log.read_text()
    world.audit_log.write_text(text.replace("needs_attention", "needs_attentioN", 1))


def cut(world):
    world.audit_log.write_bytes(b"".join(world.audit_log.read_bytes().splitlines(keepends=True)[:-1]))


def torn(world):
    world.audit_log.write_bytes(world.audit_log.read_bytes()[:-5])


def gone(world):
    world.audit_log.unlink()


def left_unlogged(world):
    first = world.log.records[RELEASE][0]
    other = (first.value or b"").replace(b'"number":0', b'"number":99')
    world.log.append(Outgoing(RELEASE, b"pulse-1-99", other, first.headers))


def lost(world):
    del world.log.records[RELEASE][-1]


def forgotten(world):
    del world.log.records[LEDGER][-1]


@pytest.mark.parametrize("harm", [changed, cut, torn, gone, left_unlogged, lost, forgotten])
def test_an_audit_log_that_does_not_say_what_left_is_wrong(world, harm):
    harm(world)
    found = audit(world)
    assert found.problems
    assert "whole" not in found.summary
    assert all(problem.startswith("hospital-a: ") for problem in found.problems)
