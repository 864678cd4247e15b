"""A made-up block, closed and noised by the code that closes real ones: to show what leaves."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from segwatch.aggregation.blocks import Blocks
from segwatch.aggregation.mechanism.example_study import example_study
from segwatch.aggregation.mechanism.figures import BlockName, figures
from segwatch.aggregation.mechanism.noise import draw
from segwatch.aggregation.mechanism.release import heartbeat_of, release_of
from segwatch.contracts.ledger import BlockClosed
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.studies import StudyScored
from segwatch.streaming.log import Outgoing

SITE = "hospital-example"
BEGIN = datetime(2026, 1, 5, 8, tzinfo=UTC)


def example_records(policy: SitePolicy) -> dict[str, Outgoing]:
    """A record of each kind, as it would leave under the policy. The noise is drawn, so calls differ."""
    blocks = Blocks()
    for offset, study in enumerate(_studies(policy.portrait_studies)):
        blocks.count(offset, study)
    records: dict[str, Outgoing] = {}
    while (due := blocks.due(policy)) is not None:
        noised = figures(BlockName(SITE, 1, 0), due, policy, draw, BEGIN, unscored=2)
        entries = tuple(slot.entry for slot in due.slots)
        blocks.cover(due.kind, entries)
        closed = BlockClosed(kind="block", studies=entries, closed_at=BEGIN, figures=noised)
        records.setdefault(due.kind, release_of(SITE, closed))
    records["heartbeat"] = heartbeat_of(SITE, 1, int(BEGIN.timestamp()) // policy.heartbeat_seconds, policy)
    return records


def _studies(count: int) -> Iterator[StudyScored]:
    """Made-up studies, three in ten of which need attention."""
    chance = random.Random(count)  # noqa: S311 - an example, not a secret
    for number in range(count):
        dice = chance.betavariate(5, 2)
        features: dict[str, float | None] = {
            "connected_components": float(chance.randrange(1, 90)),
            "intensity_mode": chance.uniform(-700, -300),
            "segmentation_smoothness": chance.betavariate(8, 2),
            "lesions_within_lungs": chance.betavariate(20, 1),
        }
        yield example_study(f"{number:032x}", dice, BEGIN + timedelta(minutes=number), features)
