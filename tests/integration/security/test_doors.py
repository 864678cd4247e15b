"""Who may do what on the local stack's brokers: each door tried by hand, each refusal the authoriser's own.

A client that may not read gets nothing, without an error: so what counts is what the authoriser wrote.
"""

from collections.abc import Callable

import pytest
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType
from kafka.errors import AuthorizationError, KafkaError, UnknownTopicOrPartitionError

from deploy.local.kafka.log_address import LogAddress
from segwatch.contracts.topics import (
    LEDGER,
    MEASURED,
    RECEIVED,
    RELEASE,
    SCORED,
    SITE_TOPICS,
    at_the_centre,
    dead_letters,
)
from segwatch.streaming.access import DEAD_LETTERS, HOSPITAL
from segwatch.streaming.log import Outgoing
from segwatch.streaming.stage import group_of
from tests.support import doors
from tests.support.hospital_and_centre import OTHER, HospitalAndCentre
from tests.support.one_pulse import SITE

pytestmark = pytest.mark.broker
OURS, THEIRS = at_the_centre(SITE), at_the_centre(OTHER)
Knock = Callable[[LogAddress], object]


def create(topic: str) -> Knock:
    return lambda address: doors.admin(address, lambda a: a.create_topics({topic: {"num_partitions": 1}}))


def delete(topic: str) -> Knock:
    return lambda address: doors.admin(address, lambda a: a.delete_topics([topic]))


def empty(topic: str) -> Knock:
    return lambda address: doors.admin(address, lambda a: a.delete_records({TopicPartition(topic, 0): 0}))


def write(topic: str) -> Knock:
    return lambda address: doors.write(address, topic)


def read(topic: str) -> Knock:
    return lambda address: doors.read(address, topic)


def grant_oneself(name: str, topic: str) -> Knock:
    everything = ACL(
        f"User:CN={name}",
        "*",
        ACLOperation.ALL,
        ACLPermissionType.ALLOW,
        ResourcePattern(ResourceType.TOPIC, topic),
    )

    def work(client: KafkaAdminClient) -> None:
        (failed,) = client.create_acls([everything])["failed"]
        raise failed

    return lambda address: doors.admin(address, work)


def on(topic: str) -> str:
    return f"Topic:LITERAL:{topic}"


SHUT = [
    # At the centre, where a hospital has one topic: another's written, read, made, deleted, emptied.
    ("centre", SITE, write(THEIRS), "DESCRIBE", on(THEIRS)),
    ("centre", SITE, read(THEIRS), "DESCRIBE", on(THEIRS)),
    ("centre", SITE, create(f"{OTHER}.made-up"), "CREATE", on(f"{OTHER}.made-up")),
    ("centre", SITE, delete(THEIRS), "DESCRIBE", on(THEIRS)),
    ("centre", SITE, empty(THEIRS), "DESCRIBE", on(THEIRS)),
    # Its own it may write, and nothing more.
    ("centre", SITE, read(OURS), "READ", on(OURS)),
    ("centre", SITE, delete(OURS), "DELETE", on(OURS)),
    ("centre", SITE, empty(OURS), "DELETE", on(OURS)),
    ("centre", SITE, grant_oneself(SITE, THEIRS), "ALTER", "Cluster:LITERAL:kafka-cluster"),
    ("centre", "federation", write(OURS), "WRITE", on(OURS)),
    # In the hospital, each service has its own topics.
    ("hospital", "features", write(SCORED), "DESCRIBE", on(SCORED)),
    ("hospital", "features", read(RECEIVED), "DESCRIBE", on(RECEIVED)),
    ("hospital", "scoring", write(MEASURED), "WRITE", on(MEASURED)),
    ("hospital", "scoring", delete(MEASURED), "DELETE", on(MEASURED)),
    ("hospital", "scoring", write(RELEASE), "DESCRIBE", on(RELEASE)),
    ("hospital", "operator", read(LEDGER), "DESCRIBE", on(LEDGER)),
    ("hospital", "operator", write(RELEASE), "DESCRIBE", on(RELEASE)),
    ("hospital", "ingest", read(RECEIVED), "READ", on(RECEIVED)),
    # The way out reads what may leave, and no patient's topic.
    ("hospital", "bridge", read(SCORED), "DESCRIBE", on(SCORED)),
    ("hospital", "bridge", read(LEDGER), "DESCRIBE", on(LEDGER)),
    ("hospital", "bridge", write(RELEASE), "WRITE", on(RELEASE)),
    ("hospital", "bridge", grant_oneself("bridge", SCORED), "ALTER", "Cluster:LITERAL:kafka-cluster"),
]


def known_as(both: HospitalAndCentre, where: str, principal: str) -> LogAddress:
    return (both.hospital if where == "hospital" else both.centre).known_as(principal)


@pytest.mark.parametrize(("where", "principal", "knock", "operation", "resource"), SHUT)
def test_a_door_is_shut_by_the_authoriser(
    both: HospitalAndCentre, where: str, principal: str, knock: Knock, operation: str, resource: str
) -> None:
    try:
        got = knock(known_as(both, where, principal))
    except (AuthorizationError, UnknownTopicOrPartitionError):
        pass  # a client is not told of topics that it may not see
    except KafkaError as error:
        raise AssertionError("refused for another reason") from error
    else:
        assert got == {}, "only a read may be refused by silence"
    assert doors.refuses(both.broker(where), principal, operation, resource)


def test_another_stages_group_cannot_be_joined(both: HospitalAndCentre) -> None:
    address = known_as(both, "hospital", "scoring")
    with pytest.raises(AuthorizationError):
        doors.join(address, group_of("features"), MEASURED)


@pytest.mark.parametrize("name", [name for name in HOSPITAL if name != "bridge"])
def test_every_principal_comes_through_its_own_doors(both: HospitalAndCentre, name: str) -> None:
    """The other half: a table that allowed nothing would pass all the tests above."""
    access, broker = HOSPITAL[name], both.broker("hospital")
    before = doors.refusals(broker)
    with both.hospital.known_as(name).open() as log:
        log.require_topics([*access.reads, *access.writes])
        if access.writes:
            with log.producer() as producer:
                for topic in access.writes:
                    producer.send([Outgoing(topic, b"k", b"not a message")])
        if access.group is not None:
            with log.consumer(group=access.group, topics=access.reads, member="one") as consumer:
                _until(lambda: consumer.poll(0.5) or consumer.is_member())
        for topic in access.reads:
            with log.reader([topic]) as reader:
                _until(reader.at_end, also=lambda: reader.poll(0.2))
    mine = {each for each in doors.refusals(broker) - before if each[0] == f"User:CN={name}"}
    assert {(o, r) for _, o, r in mine if r in {on(t) for t in (*access.reads, *access.writes)}} == set()


def test_the_table_gives_nobody_a_topic_that_the_contracts_do_not_know() -> None:
    known = {*SITE_TOPICS, *DEAD_LETTERS, *map(dead_letters, SITE_TOPICS)}
    for name, access in HOSPITAL.items():
        if name != "bridge":
            assert {*access.reads, *access.writes} <= known


def _until(done: Callable[[], object], also: Callable[[], object] = lambda: None) -> None:
    for _ in range(100):
        if done():
            return
        also()
    raise AssertionError("it never came to its end")
