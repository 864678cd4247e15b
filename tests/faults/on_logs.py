"""Faults of the brokers and of the bridge."""

from functools import partial

from deploy.local.kafka.broker import Broker
from deploy.local.machine.ports import listens
from tests.faults.hands import Fault, Hands, Steps
from tests.faults.site import SERVICES, freeze_broker, wake_broker

START_SECONDS = 90.0
EVERYBODY = (*SERVICES, "bridge")
AT_THE_CENTRE = ("federation", "bridge")


def faults() -> list[Fault]:
    """All of them."""
    hospital, centre = frozenset({"hospital"}), frozenset({"centre"})
    return [
        Fault("the hospital's broker frozen", hospital, EVERYBODY, frozen),
        Fault("the hospital's broker frozen for long", hospital, EVERYBODY, frozen_for_long),
        Fault("the hospital's broker stopped for long", hospital, EVERYBODY, stopped),
        Fault("kill -9 of the hospital's broker", hospital, EVERYBODY, partial(killed, "hospital")),
        Fault("the disk of the hospital's broker full", hospital, EVERYBODY, disk_full),
        Fault("the centre away for long", centre, AT_THE_CENTRE, centre_away),
        Fault("kill -9 of the centre's broker", centre, AT_THE_CENTRE, partial(killed, "centre")),
        Fault("kill -9 of the bridge", frozenset({"bridge"}), ("bridge",), bridge_killed),
    ]


def frozen(hands: Hands) -> Steps:
    """SIGSTOP, and SIGCONT later: connections stay open and nothing answers."""
    broker = hands.site.hospital
    if not freeze_broker(broker):
        return False
    yield from hands.wait(hands.lasting(8, 25, least=3))
    wake_broker(broker)
    return True


def frozen_for_long(hands: Hands) -> Steps:
    """For longer than a record waits for its acknowledgement (60 s): each client has given up by then, and
    one that is not made anew stays dead when the broker is awake again.
    """
    broker = hands.site.hospital
    if not freeze_broker(broker):
        return False
    yield from hands.wait(hands.lasting(75, 75, least=5))
    wake_broker(broker)
    return True


def stopped(hands: Hands) -> Steps:
    """Stopped in order, and away for a minute."""
    site = hands.site
    site.away.add("hospital")
    site.hospital.terminate()
    yield from hands.until(lambda: not site.hospital.child.alive(), 30)
    yield from hands.wait(hands.lasting(60, 60, least=6))
    yield from _start("hospital", site.hospital, hands)
    return True


def killed(name: str, hands: Hands) -> Steps:
    """As in a power cut."""
    broker = hands.site.hospital if name == "hospital" else hands.site.centre
    hands.site.away.add(name)
    broker.kill()
    yield from hands.wait(1.0)
    yield from _start(name, broker, hands)
    return True


def disk_full(hands: Hands) -> Steps:
    """The broker gives up; somebody frees the disk and starts it again."""
    site = hands.site
    site.away.add("hospital")
    site.disk.fill(site.hospital.child.pid)
    gave_up = yield from hands.until(lambda: not site.hospital.child.alive(), hands.lasting(20, 30, least=8))
    site.disk.free()
    if not gave_up:
        site.hospital.kill()
    yield from _start("hospital", site.hospital, hands)
    return True


def centre_away(hands: Hands) -> Steps:
    """Two minutes: longer than the services at the centre wait for their log at a start."""
    site = hands.site
    site.away.add("centre")
    site.centre.kill()
    yield from hands.wait(hands.lasting(120, 120, least=8))
    yield from _start("centre", site.centre, hands)
    return True


def bridge_killed(hands: Hands) -> Steps:
    """Its supervisor starts it again."""
    yield
    hands.site.bridge.child.kill()
    return True


def _start(name: str, broker: Broker, hands: Hands) -> Steps:
    """Start it again, and look after it again."""
    if not broker.child.alive():
        broker.launch()
    hands.site.away.discard(name)
    return (yield from hands.until(lambda: listens(broker.port), START_SECONDS))
