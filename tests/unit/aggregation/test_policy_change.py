"""A policy changes only where a pulse and a portrait begin together, and under a version of its own."""

import logging
from collections.abc import Sequence

import pytest

from segwatch.contracts.envelope import decode
from segwatch.contracts.ledger import BlockClosed, PolicyChanged
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.topics import LEDGER, RELEASE
from segwatch.errors import BadInput
from segwatch.streaming.log import Outgoing
from tests.support.site_world import POLICY, World, scored

STUDIES = [scored(number) for number in range(420)]
OTHER = SitePolicy(version="demo-other", pulse_studies=25, portrait_studies=100)


def _changes(world: World) -> list[tuple[str, int, int]]:
    return [
        (entry.policy.version, entry.first_pulse, entry.first_portrait)
        for entry in world.ledger()
        if isinstance(entry, PolicyChanged)
    ]


def _sizes(world: World, kind: str) -> list[tuple[str, int]]:
    figures = [block.figures for block in world.blocks() if block.figures.kind == kind]
    return [(f.policy_version, f.k) for f in figures]


def test_a_change_waits_for_the_end_of_the_portrait(world: World) -> None:
    world.add(STUDIES[:30])
    world.run(world.service())
    world.add(STUDIES[30:155])
    world.run(world.service(OTHER))
    assert _changes(world) == [("demo-other", 5, 1)]
    assert _sizes(world, "pulse") == [("demo-test", 20)] * 5 + [("demo-other", 25)] * 2
    assert _sizes(world, "portrait") == [("demo-test", 100)]


def test_a_change_before_the_first_block_takes_force_at_once(world: World) -> None:
    world.add(STUDIES[:10])
    world.run(world.service())
    world.run(world.service(OTHER))
    assert _changes(world) == [("demo-other", 0, 0)]


def test_a_changed_policy_under_the_same_version_is_refused(world: World) -> None:
    world.run(world.service())
    changed = POLICY.model_copy(update={"epsilon_count": 0.5})
    with pytest.raises(BadInput, match="same version"):
        world.service(changed).step(0)


def test_two_processes_with_two_policies_stay_disjoint_and_do_not_quarrel_for_ever(world: World) -> None:
    one, two = world.service(), world.service(OTHER)
    for start in range(0, 420, 30):
        world.add(STUDIES[start : start + 30])
        world.run(one)
        world.run(two)
    world.run(one)
    assert len(_changes(world)) <= 2 * 5
    for kind in ("pulse", "portrait"):
        covered = world.covered(kind)
        assert covered == [study.study for study in STUDIES[: len(covered)]]
        assert len(covered) >= 400


def test_a_block_made_under_a_policy_that_is_not_in_force_does_not_count(world: World) -> None:
    world.add(STUDIES[:50])
    stale = world.service()
    world.run_until_open(stale)

    def slip_in(records: Sequence[Outgoing]) -> None:
        if records[0].topic == LEDGER:
            world.log.on_send = lambda _records: None
            world.run_until_open(world.service(OTHER))

    world.log.on_send = slip_in
    world.run(stale)
    written = [entry.figures.policy_version for entry in world.ledger() if isinstance(entry, BlockClosed)]
    assert written == ["demo-test", "demo-other", "demo-other"]
    released = [decode(RELEASE, r.key, r.value, r.headers).data.root for r in world.releases()]
    assert [(figures.policy_version, figures.number, figures.k) for figures in released] == [
        ("demo-other", 0, 25),
        ("demo-other", 1, 25),
    ]


def test_a_change_is_said_in_the_log_when_the_file_is_read_and_when_it_counts(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.add(STUDIES[:30])
    world.run(world.service())
    with caplog.at_level(logging.INFO):
        service = world.service(OTHER)
        world.run(service)
    assert "the policy file holds version demo-other" in caplog.text
    assert "pulse_studies 20 -> 25, means_of ['segmentation_smoothness'] -> []" in caplog.text
    assert "policy demo-test is in force in epoch 1" in caplog.text
    caplog.clear()
    world.add(STUDIES[30:100])
    world.run(service)
    assert "policy demo-other is in force from pulse 5 and portrait 1 of epoch 1 on" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.INFO):
        world.run(world.service(OTHER))
    assert "policy demo-other is in force in epoch 1" in caplog.text
    assert "from pulse" not in caplog.text  # it is no news
