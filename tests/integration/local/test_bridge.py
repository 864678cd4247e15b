"""The local stack's brokers and bridge, as they are."""

import shutil

import pytest

from deploy.local.kafka.bridge import CONNECTOR, Bridge
from deploy.local.kafka.broker import Broker
from deploy.local.machine.loopback_http import request
from deploy.local.machine.supervisor import running
from segwatch.contracts.topics import RELEASE, SCORED, at_the_centre
from segwatch.streaming.log import Log, Outgoing
from tests.support.streaming import eventually, read_all

pytestmark = pytest.mark.broker
AT_CENTRE = at_the_centre("hospital-a")
COARSE = 1_795_392_000_000


def release(name: str, value: bytes = b"{}") -> Outgoing:
    """A record of the release topic; each test has names of its own, since they share brokers."""
    return Outgoing(RELEASE, name.encode(), value, (("ce_id", b"1"),), COARSE)


def arrived(log: Log, name: str) -> bool:
    return any(record.key == name.encode() for record in read_all(log, AT_CENTRE))


@pytest.fixture(scope="module")
def logs(brokers):
    """The hospital's and the centre's log, with their topics."""
    hospital, centre = (broker.log_address.open() for broker in brokers)
    with hospital, centre:
        hospital.create_topics({RELEASE: 1, SCORED: 1}, forever=frozenset({RELEASE}))
        centre.create_topics({AT_CENTRE: 1}, forever=frozenset({AT_CENTRE}))
        yield hospital, centre


@pytest.fixture(scope="module")
def bridge(brokers, logs, tmp_path_factory):
    """The bridge between them, at work."""
    assert all(logs), "topics come before the bridge, which may not make them"
    hospital, centre = brokers
    made = Bridge(
        "hospital-a",
        tmp_path_factory.mktemp("bridge"),
        hospital=hospital.log_address,
        centre=centre.log_address,
    )
    with running(made):
        yield made


@pytest.mark.usefixtures("bridge")
def test_the_bridge_copies_releases_whole_and_nothing_else(logs):
    hospital, centre = logs
    with hospital.producer() as producer:
        producer.send([Outgoing(SCORED, b"study", b"inside", ()), release("whole")])
    eventually(lambda: arrived(centre, "whole"), 60)
    copied = read_all(centre, AT_CENTRE)
    assert not [record for record in copied if record.key == b"study"]
    (whole,) = [record for record in copied if record.key == b"whole"]
    assert (whole.value, whole.headers, whole.timestamp_ms) == (b"{}", (("ce_id", b"1"),), COARSE)
    assert centre.topics() == {AT_CENTRE}


@pytest.mark.usefixtures("bridge")
def test_releases_made_while_the_centre_is_away_arrive_when_it_is_back(logs, brokers):
    hospital, centre = logs
    brokers[1].kill()
    with hospital.producer() as producer:
        producer.send([release("centre-away")])
    brokers[1].start()
    eventually(lambda: arrived(centre, "centre-away"), 60)


def test_a_bridge_that_was_killed_is_started_again_and_goes_on(bridge, logs):
    hospital, centre = logs
    bridge.child.kill()
    with hospital.producer() as producer:
        producer.send([release("bridge-killed")])
    eventually(lambda: (bridge.tend() or "").endswith("was started again"), 60)
    eventually(lambda: arrived(centre, "bridge-killed"), 60)


def test_a_task_that_has_failed_is_started_again(bridge, logs, brokers):
    """A topic that cannot be written fails the task: Connect still says RUNNING of the connector."""
    hospital, centre = logs
    too_large = release("large", b"x" * 900_000)
    from kafka import KafkaAdminClient
    from kafka.admin import ConfigResource, ConfigResourceType

    admin = KafkaAdminClient(bootstrap_servers=brokers[1].bootstrap)
    limit = ConfigResource(ConfigResourceType.TOPIC, AT_CENTRE, configs={"max.message.bytes": "1000"})
    admin.alter_configs([limit])
    with hospital.producer() as producer:
        producer.send([too_large])
    eventually(lambda: "FAILED" in bridge.task_states(), 60)
    limit = ConfigResource(ConfigResourceType.TOPIC, AT_CENTRE, configs={"max.message.bytes": "1048588"})
    admin.alter_configs([limit])
    admin.close()
    eventually(lambda: "its task had failed" in (bridge.tend() or ""), 60)
    eventually(lambda: arrived(centre, "large"), 60)
    assert request(bridge.port, f"/connectors/{CONNECTOR}/status")[0] == 200


def test_a_killed_broker_comes_back_at_its_address_with_its_records(brokers, logs):
    hospital, _ = logs
    broker: Broker = brokers[0]
    with hospital.producer() as producer:
        producer.send([release("broker-killed")])
    address = broker.bootstrap
    broker.kill()
    broker.start()
    assert broker.bootstrap == address
    eventually(lambda: b"broker-killed" in [record.key for record in read_all(hospital, RELEASE)], 60)


def test_topics_are_not_made_by_asking_for_them(logs):
    hospital, _ = logs
    with hospital.reader([RELEASE]) as reader:
        reader.poll(0.5)
    assert hospital.topics() == {RELEASE, SCORED}


def test_a_centre_that_was_lost_is_given_every_release_again(bridge, logs, brokers):
    """The drill of docs/operations/drills.md: a new Kafka, its topics, and the bridge told to begin anew."""
    hospital, old_centre = logs
    with hospital.producer() as producer:
        producer.send([release("before-the-loss")])
    eventually(lambda: arrived(old_centre, "before-the-loss"), 60)
    released = [(record.key, record.value) for record in read_all(hospital, RELEASE)]
    bridge.stop()
    brokers[1].stop()
    shutil.rmtree(brokers[1].folder / "data")

    brokers[1].start()
    with brokers[1].log_address.open() as centre:
        centre.create_topics({AT_CENTRE: 1}, forever=frozenset({AT_CENTRE}))
        for offsets in bridge.folder.glob("offsets-*"):
            offsets.unlink()
        bridge.launch()
        bridge.wait()
        eventually(lambda: len(read_all(centre, AT_CENTRE)) >= len(released), 90)
        assert [(record.key, record.value) for record in read_all(centre, AT_CENTRE)] == released
