"""The budget report adds up what was drawn: by study, by patient, over policies and epochs."""

import pytest

from segwatch.aggregation.tools.budget import Budget, budget_of
from segwatch.aggregation.tools.reports import budget_json, budget_text
from segwatch.contracts.envelope import Event, decode
from segwatch.contracts.ledger import BlockClosed, LedgerRecord
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.topics import LEDGER
from segwatch.streaming.log import Outgoing, outgoing
from tests.support.site_world import World, scored

SIX_EACH = [scored(number, patient=number // 6) for number in range(240)]
CHEAP = SitePolicy(
    version="demo-cheap", epsilon_count=0.5, epsilon_histogram=0.25, means_of=(), studies_per_patient=6
)


def _budget(world: World) -> Budget:
    return budget_of(world.log.records[LEDGER])


def test_an_empty_ledger_has_cost_nothing(world: World) -> None:
    found = _budget(world)
    assert (found.worst_study, found.worst_patient, found.patient_bound) == (0.0, 0.0, 0.0)
    assert "the worst of 0 has lost 0" in budget_text(found)


def test_a_study_loses_its_pulse_and_its_portrait_and_a_patient_no_more_than_the_limit(world: World) -> None:
    world.add(SIX_EACH[:120])
    world.run(world.service())
    found = _budget(world)
    assert (found.worst_study, found.worst_patient, found.patient_bound) == (3.0, 12.0, 12.0)
    assert sorted(found.entered.values()) == [4] * 20
    # The last 20 studies are in a pulse and in no portrait yet; two studies in six are beyond the limit.
    assert sorted(set(found.study.values())) == [0.0, 1.0, 3.0]
    assert found.twice == 0


def test_losses_add_up_over_policies_and_epochs(world: World) -> None:
    world.add([scored(number, patient=number % 50) for number in range(100)])
    world.run(world.service())
    world.add([scored(100 + number, patient=number % 50) for number in range(100)])
    world.run(world.service(CHEAP))
    world.log.append(Outgoing(LEDGER, b"x", b"not a record"))  # a new epoch follows
    world.run(world.service(CHEAP))
    world.add([scored(200 + number, patient=number % 50) for number in range(100)])
    world.run(world.service(CHEAP))
    found = _budget(world)
    assert [(key, spent.studies) for key, spent in found.spent.items()] == [
        ((1, "demo-test"), 100),
        ((1, "demo-cheap"), 100),
        ((2, "demo-cheap"), 100),
    ]
    # Two studies of each patient under each: 2 × 3 + 2 × 0.75 + 2 × 0.75.
    assert found.worst_patient == pytest.approx(9.0)
    assert found.worst_study == 3.0
    assert found.patient_bound == 6 * 3.0
    assert found.damages == 1
    assert "was lost or damaged once" in budget_text(found)


def test_a_block_that_does_not_count_has_cost_nothing(world: World) -> None:
    world.add(SIX_EACH[:20])
    world.run(world.service())
    record = world.log.records[LEDGER][-1]
    world.log.append(Outgoing(LEDGER, record.key, record.value, record.headers))
    assert _budget(world).worst_study == 1.0


def test_a_study_in_two_blocks_would_be_counted_twice_and_named(world: World) -> None:
    world.add(SIX_EACH[:40])
    world.run(world.service())
    record = world.log.records[LEDGER][-1]
    event = decode(LEDGER, record.key, record.value, record.headers)
    second = event.data.root
    assert isinstance(second, BlockClosed)
    figures = second.figures.model_copy(update={"number": 2})
    forged = LedgerRecord(second.model_copy(update={"figures": figures}))
    world.log.append(outgoing(LEDGER, Event(event.id, LEDGER, event.key, event.source, event.time, forged)))
    found = _budget(world)
    assert (found.twice, found.worst_study) == (20, 2.0)
    assert "WRONG: 20 times a study is in a second block" in budget_text(found)


def test_the_report_names_policies_bounds_and_no_pseudonym(world: World) -> None:
    world.add(SIX_EACH)
    world.run(world.service())
    text = budget_text(_budget(world))
    assert "policy demo-test allows 3 a study, 4 studies a patient: 12" in text
    assert "epoch 1, policy demo-test: 12 pulses, 2 portraits, 240 studies" in text
    assert "40 patients with 4 studies in the figures" in text
    assert not [study for study in SIX_EACH if study.study in text or study.patient in text]
    assert budget_json(_budget(world))["patients"] == 40
