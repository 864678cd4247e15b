"""Faults of the services' processes: killed at any moment and at the worst, frozen, with a wrong clock."""

from collections.abc import Callable
from functools import partial

from deploy.local.machine.loopback_http import request
from segwatch.contracts.topics import MEASURED
from tests.faults.hands import Fault, Hands, Steps
from tests.faults.on_data import again
from tests.faults.site import EVERY, SERVICES, STAGES, FaultyService, newer_scorer

TRIGGER_SECONDS = 60.0
"""How long a fault inside a process waits for its moment; without studies on their way it never comes."""
READY_SECONDS = 240.0
ZOMBIE_ENDS_SECONDS = 90.0
"""A member that was replaced learns it with its next heartbeat or commit; a broker may be away meanwhile."""
HOUR, DAY = 3600.0, 86400.0
CLOCKS = (-5 * HOUR, 7 * HOUR, -3 * DAY, 26 * HOUR)


def faults() -> list[Fault]:
    """All of them."""
    killed = [_fault(f"kill -9 of {name}", name, partial(kill, name)) for name in EVERY]
    after = [
        _fault(
            f"kill -9 of {name} between acknowledgement and commit", name, partial(inside, name, "after-ack")
        )
        for name in SERVICES
    ]
    zombies = [_fault(f"{name} frozen, replaced, woken", name, partial(zombie, name)) for name in SERVICES]
    clocks = [
        _fault(f"{name}'s clock wrong", name, partial(wrong_clock, name))
        for name in ("ingest", "scoring", "aggregation")
    ]
    return [
        *killed,
        *after,
        *zombies,
        *clocks,
        _fault(
            "kill -9 in the middle of a segmentation",
            "segmentation",
            partial(inside, "segmentation", "in-predict"),
        ),
        _fault("a rebalance in the middle of a long study", "segmentation", rebalance),
        _fault("a newer scorer, and studies scored again", "scoring", rescored),
    ]


def _fault(name: str, service: str, act: Callable[[Hands], Steps]) -> Fault:
    return Fault(name, frozenset({service}), (service,), act)


def kill(name: str, hands: Hands) -> Steps:
    """At any moment."""
    yield
    hands.site.kill(name)
    return True


def inside(name: str, point: str, hands: Hands) -> Steps:
    """At a moment that only the process itself knows: see `service_process`."""
    before = hands.site.processes[name].pid
    armed = hands.site.arm(name, point)
    happened = yield from hands.until(lambda: not armed.exists(), TRIGGER_SECONDS)
    if not happened:
        armed.unlink(missing_ok=True)
        return False
    return (yield from hands.until(lambda: hands.site.processes[name].pid != before, 10))


def zombie(name: str, hands: Hands) -> Steps:
    """Frozen in the middle of its work for longer than its session, while a replacement works; then woken."""
    site = hands.site
    if name == "segmentation":
        site.arm(name, "long-study", "3")
        yield from hands.until((site.faults / f"{name}.busy").exists, TRIGGER_SECONDS)
    elif name in STAGES:
        yield from hands.until(lambda: hands.watcher.seen.lag.get(name, 0) > 0, 10)
    if not site.freeze(site.processes[name]):
        return False
    old = site.launch_again(name)
    site.zombies.append(old)
    yield from hands.wait(site.session_seconds + 3)
    yield from hands.until(lambda: name in hands.watcher.seen.ready, READY_SECONDS)
    site.wake(old)
    if name in STAGES:
        yield from _must_end_by_itself(old, hands)
    else:  # it has no place to lose, and goes on beside the other until somebody ends it
        yield from hands.wait(hands.lasting(10, 20, least=4))
    old.child.kill()
    return True


def _must_end_by_itself(old: FaultyService, hands: Hands) -> Steps:
    ended = yield from hands.until(lambda: old.pid is None, ZOMBIE_ENDS_SECONDS)
    if not ended:
        hands.broken.append(f"a frozen {old.service} that was replaced and woken did not end by itself")
    return ended


def rebalance(hands: Hands) -> Steps:
    """Another member joins while a study is in hand, works for a while, and leaves again."""
    site = hands.site
    extra = site.make("segmentation", f"segmentation-{len(site.extra) + 1}")
    seconds = 12 + hands.lasting(5, 20)
    site.arm("segmentation", "long-study", str(seconds))
    if not (yield from hands.until((site.faults / "segmentation.busy").exists, TRIGGER_SECONDS)):
        return False
    extra.launch()
    site.extra.append(extra)
    yield from hands.until(lambda: not extra.child.alive() or _is_ready(extra), READY_SECONDS)
    yield from hands.wait(hands.lasting(20, 40, least=5))
    site.extra.remove(extra)
    site.zombies.append(extra)
    extra.terminate()
    yield from hands.until(lambda: extra.pid is None, 40)
    extra.child.kill()
    return True


def _is_ready(process: FaultyService) -> bool:
    return request(process.port, "/readyz", seconds=0.3)[0] == 200


def wrong_clock(name: str, hands: Hands) -> Steps:
    """Started again on a machine whose clock is wrong by hours or days, and later on one that is right."""
    site, shift = hands.site, hands.chance.choice(CLOCKS)
    clock = site.arm(name, "clock", str(shift))
    site.kill(name)
    yield from hands.until(lambda: name in hands.watcher.seen.ready, READY_SECONDS)
    yield from hands.wait(hands.lasting(25, 50, least=5))
    clock.unlink(missing_ok=True)
    site.kill(name)
    return True


def rescored(hands: Hands) -> Steps:
    """Another scorer takes the place of the one at work, and scores studies that have been scored already."""
    site = hands.site
    old = site.processes["scoring"]
    old.terminate()
    yield from hands.until(lambda: not old.child.alive(), 40)
    old.child.kill()
    newer = site.folder / "newer-scorer"
    if not newer.exists():
        newer_scorer(site.folder)
    site.scorer = newer
    site.launch_again("scoring")
    measured = list(hands.watcher.records[MEASURED])
    chosen = hands.chance.sample(measured, min(len(measured), 30))
    hands.put(map(again, chosen))
    return bool(chosen)
