"""The bridge under attack: from the centre, at its own HTTP door, and by who rewrites what it copies.

That its principal may not read a patient's topic, by the authoriser's own word, is in `test_doors`.
"""

import http.client
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient

from deploy.local.kafka.bridge import CONNECTOR, Bridge
from deploy.local.kafka.log_address import LogAddress
from deploy.local.kafka.worker_api import PRINCIPAL
from deploy.local.machine.ports import LOOPBACK
from deploy.local.machine.supervisor import running
from segwatch.contracts.topics import RELEASE, SCORED, at_the_centre
from segwatch.streaming.access import Access
from segwatch.streaming.authority import Identity
from segwatch.streaming.kafka.rights import give_rights
from segwatch.streaming.log import Outgoing
from tests.support import doors
from tests.support.hospital_and_centre import HospitalAndCentre
from tests.support.one_pulse import SITE
from tests.support.streaming import eventually, read_all

pytestmark = [pytest.mark.broker, pytest.mark.slow]
STOLEN = f"{SITE}.{SCORED}"
PATIENT = b"a patient's score"


@pytest.fixture(scope="module")
def bridge(both: HospitalAndCentre, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridge]:
    here, there = both.hospital.known_as("bridge"), both.centre.known_as(SITE)
    made = Bridge(SITE, tmp_path_factory.mktemp("bridge"), hospital=here, centre=there)
    with running(made):
        yield made


def put(address: LogAddress, topic: str, key: bytes, value: bytes) -> None:
    with address.open() as log, log.producer() as producer:
        producer.send([Outgoing(topic, key, value)])


def arrives(both: HospitalAndCentre, key: bytes) -> None:
    """A release sent now comes to the centre: whatever was sent before it has had its chance."""
    put(both.hospital.log_address, RELEASE, key, b"{}")
    with both.centre.log_address.open() as log:
        eventually(lambda: key in [r.key for r in read_all(log, at_the_centre(SITE))], seconds=90)


def everything_at_the_centre(both: HospitalAndCentre) -> list[bytes]:
    with both.centre.log_address.open() as log:
        return [r.value or b"" for topic in log.topics() for r in read_all(log, topic)]


@pytest.mark.usefixtures("bridge")
def test_what_the_centres_administrator_writes_moves_no_patient(both: HospitalAndCentre) -> None:
    """Everything that a dedicated MirrorMaker, or a Connect worker of the centre's, would obey."""
    mine = json.dumps({"properties": {"topics": ".*", "connector.class": "MirrorSourceConnector"}}).encode()
    orders = {f"mm2-configs.{SITE}.internal", "segwatch.bridge.configs", "connect-configs"}

    def prepare(client: KafkaAdminClient) -> None:
        client.create_topics({topic: {"num_partitions": 1} for topic in (*orders, STOLEN)})

    doors.admin(both.centre.log_address, prepare)
    give_rights(both.centre.log_address.settings, {SITE: Access(writes=(STOLEN,))})  # and holds the door open
    for topic in orders:
        put(both.centre.log_address, topic, f"connector-{CONNECTOR}".encode(), mine)
    put(both.hospital.log_address, SCORED, b"study", PATIENT)
    arrives(both, b"after-the-orders")
    assert PATIENT not in everything_at_the_centre(both)


def test_a_rewritten_connector_copies_no_patient_either(both: HospitalAndCentre, bridge: Bridge) -> None:
    """Somebody inside, or a mistake: the bridge's own principal may not see what it is told to copy."""
    keeper = Identity.at(bridge.folder / "keys", PRINCIPAL)
    config: dict[str, Any] = bridge.api.get(f"/connectors/{CONNECTOR}/config")
    wide = config | {"topics": ".*", "refresh.topics.interval.seconds": "1"}
    status, _ = request(bridge, "PUT", f"/connectors/{CONNECTOR}/config", json.dumps(wide), keeper)
    assert status == 200
    put(both.hospital.log_address, SCORED, b"study", PATIENT)
    eventually(lambda: bridge.task_states() == ["RUNNING"], seconds=60)
    arrives(both, b"after-the-rewriting")
    assert PATIENT not in everything_at_the_centre(both)
    status, _ = request(bridge, "PUT", f"/connectors/{CONNECTOR}/config", json.dumps(config), keeper)
    assert status == 200


def test_the_workers_door_opens_to_its_keeper_only(both: HospitalAndCentre, bridge: Bridge) -> None:
    path = f"/connectors/{CONNECTOR}/config"
    keeper = Identity.at(bridge.folder / "keys", PRINCIPAL)
    assert request(bridge, "GET", path, None, keeper)[0] == 200
    for visitor in (None, both.hospital.known_as("operator").identity, both.centre.log_address.identity):
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
            request(bridge, "GET", path, None, visitor, trusted=keeper.ca)


def request(
    bridge: Bridge,
    method: str,
    path: str,
    body: str | None,
    visitor: Identity | None,
    trusted: Path | None = None,
) -> tuple[int, bytes]:
    context = ssl.create_default_context(cafile=str(trusted or (visitor and visitor.ca)))
    if visitor is not None:
        context.load_cert_chain(visitor.certificate, visitor.key)
    connection = http.client.HTTPSConnection(LOOPBACK, bridge.port, timeout=20, context=context)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
