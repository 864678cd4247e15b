"""The real chain at a centre: Kafka, federation, Prometheus, Alertmanager, and a pager that is posted to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from deploy.alerting.configuration import alertmanager
from deploy.alerting.contacts import Contact, Contacts
from deploy.alerting.rules import rule_file
from deploy.local.kafka.broker import Broker
from deploy.local.machine.binaries import ALERTMANAGER, PROMETHEUS, find
from deploy.local.machine.supervisor import running
from deploy.local.stack.alertmanager import Alertmanager
from deploy.local.stack.pager import Pager
from deploy.local.stack.prometheus import Prometheus, Target, configuration
from deploy.local.stack.service import Service
from segwatch.streaming.topics import make_centre_topics
from tests.chaos.quickened import quickened

EVERY = "1s"
RESEND_SECONDS = 300


@dataclass(frozen=True)
class Centre:
    """What can be taken away."""

    kafka: Broker
    federation: Service
    prometheus: Prometheus
    alertmanager: Alertmanager
    pager: Pager


@contextmanager
def centre(folder: Path, sites: tuple[str, ...], factor: float) -> Iterator[Centre]:
    """The chain as the local stack starts it, with the shipped rules and routes, `factor` times as fast.

    Raises:
        NotReady: something did not come up.
        FileNotFoundError: Prometheus or Alertmanager is not on this machine.
    """
    programs = {binary: find(binary) for binary in (PROMETHEUS, ALERTMANAGER)}
    if None in programs.values():
        raise FileNotFoundError("Prometheus or Alertmanager is neither in .build/bin nor on the PATH")
    pager = Pager()
    kafka = Broker(folder / "kafka", name="the centre's Kafka")
    try:
        with running(kafka):
            with kafka.log_address.open() as log:
                make_centre_topics(log, sites)
            federation = Service("central", "federation", kafka.log_address, {}, folder / "logs")
            contacts = Contacts(page=Contact(webhooks=[pager.url("central")]))
            told = _Quick("alertmanager", programs[ALERTMANAGER], folder / "alertmanager", contacts, factor)
            with running(federation, told):
                rules = folder / "centre.yaml"
                rules.write_text(yaml.safe_dump(quickened(rule_file("centre"), factor)))
                config = configuration(
                    [Target("federation", federation.address)],
                    [rules],
                    every=EVERY,
                    alertmanager=told.address,
                )
                prometheus = Prometheus(
                    "prometheus",
                    programs[PROMETHEUS],
                    folder / "prometheus",
                    config,
                    resend_delay=f"{RESEND_SECONDS / factor:.0f}s",
                )
                with running(prometheus):
                    yield Centre(kafka, federation, prometheus, told, pager)
    finally:
        pager.close()


class _Quick(Alertmanager):
    def __init__(self, name: str, binary: Path, folder: Path, contacts: Contacts, factor: float) -> None:
        super().__init__(name, binary, folder, contacts)
        self._config.write_text(yaml.safe_dump(quickened(alertmanager(contacts), factor)))
