"""The records that leave. A block's is a pure function of its ledger record: sent again, never drawn again.

Nothing about one study is in key, value, headers or time stamp: the id is made of the block's name alone,
the source of the service's, and both times are the first moment of the coarse date.
"""

from datetime import UTC, datetime, time

from segwatch.contracts.envelope import Event
from segwatch.contracts.identity import result_id
from segwatch.contracts.ledger import BlockClosed
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.release import Heartbeat, Portrait, Pulse, SiteRelease
from segwatch.contracts.topics import RELEASE
from segwatch.streaming.log import Outgoing, outgoing

STAGE = "aggregation"
SOURCE = f"/{STAGE}"


def block_id(site: str, epoch: int, kind: str, number: int) -> str:
    """The id that every copy of a block's or heartbeat's release bears, whatever it holds."""
    return result_id(STAGE, site, f"{epoch}/{kind}/{number}")


def id_of(site: str, figures: Pulse | Portrait) -> str:
    """The id of a block's release."""
    return block_id(site, figures.epoch, figures.kind, figures.number)


def release_of(site: str, block: BlockClosed) -> Outgoing:
    """The record that releases a closed block."""
    figures = block.figures
    moment = datetime.combine(figures.closed, time.min, tzinfo=UTC)
    return _record(id_of(site, figures), SiteRelease(figures), moment)


def heartbeat_of(site: str, epoch: int, slot: int, policy: SitePolicy) -> Outgoing:
    """The heartbeat of one slot of the policy's schedule; slots are counted from 1970."""
    data = Heartbeat(
        kind="heartbeat",
        epoch=epoch,
        number=slot,
        interval_seconds=policy.heartbeat_seconds,
        policy_version=policy.version,
    )
    moment = datetime.fromtimestamp(slot * policy.heartbeat_seconds, tz=UTC)
    return _record(block_id(site, epoch, data.kind, slot), SiteRelease(data), moment)


def _record(name: str, data: SiteRelease, moment: datetime) -> Outgoing:
    event = Event(
        id=name,
        type=RELEASE,
        key=data.name,
        source=SOURCE,
        time=moment,
        data=data,
    )
    return outgoing(RELEASE, event, timestamp_ms=int(moment.timestamp() * 1000))
