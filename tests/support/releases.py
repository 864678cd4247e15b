"""Releases as they lie at the centre."""

from datetime import date
from typing import Any

from segwatch.contracts.envelope import Event
from segwatch.contracts.identity import result_id
from segwatch.contracts.release import Heartbeat, Portrait, Pulse, SiteRelease
from segwatch.contracts.topics import RELEASE, at_the_centre
from segwatch.streaming.log import Outgoing, outgoing
from tests.support.messages import NOW

_COMMON: dict[str, Any] = {"policy_version": "test", "closed": date(2026, 11, 23)}


def pulse(
    number: int, needs_attention: int = 3, *, epoch: int = 1, k: int = 20, epsilon: float = 1.0
) -> Pulse:
    """A pulse."""
    return Pulse(
        kind="pulse",
        epoch=epoch,
        number=number,
        k=k,
        epsilon=epsilon,
        needs_attention=needs_attention,
        **_COMMON,
    )


def portrait(number: int, histogram: tuple[int, ...], *, epoch: int = 1) -> Portrait:
    """A portrait of 100 studies."""
    a, b, c, d, e, f, g = histogram
    return Portrait(
        kind="portrait",
        epoch=epoch,
        number=number,
        k=100,
        epsilon=2.0,
        epsilon_histogram=1.0,
        histogram=(a, b, c, d, e, f, g),
        **_COMMON,
    )


def heartbeat(number: int) -> Heartbeat:
    """A heartbeat every 300 s."""
    return Heartbeat(kind="heartbeat", epoch=1, number=number, interval_seconds=300, policy_version="test")


def at_centre(site: str, figures: Pulse | Portrait | Heartbeat) -> Outgoing:
    """The record that the bridge makes of a site's release."""
    name = f"{figures.epoch}/{figures.kind}/{figures.number}"
    event = Event(
        id=result_id("aggregation", site, name),
        type=RELEASE,
        key=SiteRelease(figures).name,
        source="/aggregation",
        time=NOW,
        data=SiteRelease(figures),
    )
    carried = outgoing(RELEASE, event)
    return Outgoing(at_the_centre(site), carried.key, carried.value, carried.headers)
