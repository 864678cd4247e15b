"""A stranger's record in the ledger neither ends the service nor lets out what the policy does not."""

from datetime import date
from typing import Any

import pytest

from segwatch.aggregation.ledger.fold import policy_in_force
from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.envelope import Event
from segwatch.contracts.ledger import BlockClosed, EpochOpened, LedgerRecord, PolicyChanged
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.topics import LEDGER, SCORED
from segwatch.errors import BadInput
from segwatch.streaming.log import Outgoing, outgoing
from tests.support.messages import MESSAGES, NOW
from tests.support.site_world import POLICY, World, scored

STUDIES = [scored(number) for number in range(130)]
BLOCK: BlockClosed = MESSAGES[LEDGER].root
MODEL = ModelIdentity(name="demo", sha256="0" * 64)


def strange(world: World, entry: Any) -> None:
    event = Event("0" * 32, LEDGER, "k", "/x", NOW, LedgerRecord(entry))
    world.log.append(outgoing(LEDGER, event))


def first_pulse(**changes: Any) -> BlockClosed:
    """What would count as the first pulse, but for the changes to its figures."""
    figures = {"policy_version": POLICY.version, **changes}
    return BLOCK.model_copy(update={"figures": BLOCK.figures.model_copy(update=figures)})


def opened(world: World) -> None:
    """The site has its first epoch, and nothing counted yet."""
    world.run(world.service()).close()


@pytest.mark.parametrize(
    "figures",
    [
        {"epsilon": 0.5},
        {"model": MODEL},
        {"scorer": MODEL},
        {"closed": date(2026, 11, 24)},
        {"closed": date(1900, 1, 1)},
        {"policy_version": "another"},
    ],
)
def test_figures_that_the_policy_does_not_let_out_never_leave(world: World, figures: dict[str, Any]) -> None:
    opened(world)
    strange(world, first_pulse(**figures))
    world.add(STUDIES[:20])
    world.run(world.service())
    own = world.ledger()[-1]
    assert [entry.study for entry in own.studies] == [study.study for study in STUDIES[:20]]
    assert [record.value for record in world.releases()] == [own.figures.model_dump_json().encode()]


def test_an_ordinal_that_no_patient_has_does_not_count(world: World) -> None:
    """SQLite, which remembers it, takes none beyond 2**63: the service would end at every start."""
    opened(world)
    first, *others = BLOCK.studies
    strange(
        world,
        first_pulse().model_copy(update={"studies": (first.model_copy(update={"ordinal": 10**30}), *others)}),
    )
    world.add(STUDIES[:20])
    world.run(world.service())
    own = world.ledger()[-1]
    assert [entry.study for entry in own.studies] == [study.study for study in STUDIES[:20]]
    assert len(world.releases()) == 1


def test_an_epoch_that_no_release_can_name_does_not_count(world: World) -> None:
    opened(world)
    strange(world, EpochOpened(kind="epoch", epoch=10**12, from_offset=0, opened_at=NOW, policy=POLICY))
    world.add(STUDIES[:20])
    world.run(world.service())
    assert [block.figures.epoch for block in world.blocks()] == [1]


def test_a_policy_under_a_version_that_stood_for_another_does_not_count(world: World) -> None:
    """It would have the site's own file refused at the next start."""
    opened(world)
    loose = POLICY.model_copy(update={"name_model": True})
    strange(
        world,
        PolicyChanged(kind="policy", epoch=1, first_pulse=0, first_portrait=0, changed_at=NOW, policy=loose),
    )
    strange(world, EpochOpened(kind="epoch", epoch=2, from_offset=0, opened_at=NOW, policy=loose))
    world.add(STUDIES[:20])
    world.run(world.service())
    assert [(block.figures.epoch, block.figures.model) for block in world.blocks()] == [(1, None)]


def test_a_feature_without_bounds_in_a_policy_is_left_out_of_the_portrait(world: World) -> None:
    """A newer version may have put it into force, before this one was put back."""
    policy = SitePolicy(version="demo-newer", means_of=("from_the_future", "segmentation_smoothness"))
    strange(world, EpochOpened(kind="epoch", epoch=1, from_offset=0, opened_at=NOW, policy=policy))
    world.add(STUDIES)
    world.run(world.service(policy))
    (portrait,) = (block.figures for block in world.blocks() if block.figures.kind == "portrait")
    assert [mean.feature for mean in portrait.means] == ["segmentation_smoothness"]


@pytest.mark.parametrize("place", ["²", "-1", "9" * 5000, "1e3", ""])
def test_a_place_that_is_no_number_has_all_read(world: World, place: str) -> None:
    world.add(STUDIES)
    world.run(world.service()).close()
    for offset, record in enumerate(world.log.records[LEDGER]):
        headers = tuple((n, place.encode() if n == "ce_scoredto" else v) for n, v in record.headers)
        sent = Outgoing(LEDGER, record.key, record.value, headers)
        world.log.records[LEDGER].pop(offset)
        world.log.append(sent)
        world.log.records[LEDGER].insert(offset, world.log.records[LEDGER].pop())
    service = world.run(world.service())
    assert service.counted_to == len(world.log.records[SCORED])
    assert len(world.blocks()) == 7


OTHER = POLICY.model_copy(update={"version": "demo-other"})


def changed_to(policy: SitePolicy) -> PolicyChanged:
    """A change that counts where the first pulse and portrait begin."""
    return PolicyChanged(
        kind="policy", epoch=1, first_pulse=0, first_portrait=0, changed_at=NOW, policy=policy
    )


def test_behind_a_record_that_cannot_be_read_no_policy_is_in_force(world: World) -> None:
    """The service takes nothing behind it for true, so neither may the explanation."""
    opened(world)
    world.log.append(Outgoing(LEDGER, b"x", b"not a record"))
    strange(world, changed_to(OTHER))
    with pytest.raises(BadInput, match=r"cannot be read at offset 1 .*no epoch was opened since"):
        policy_in_force(world.log.records[LEDGER])


def test_the_policy_in_force_after_a_damage_is_the_one_that_the_service_follows(world: World) -> None:
    """A change behind the damage gave a version to a policy, and would deny it to the new epoch's."""
    opened(world)
    world.log.append(Outgoing(LEDGER, b"x", b"not a record"))
    strange(world, changed_to(OTHER))
    mine = OTHER.model_copy(update={"studies_per_patient": 2})
    service = world.run(world.service(mine))
    assert service.books is not None
    assert policy_in_force(world.log.records[LEDGER]) == service.books.ledger.policy == mine
