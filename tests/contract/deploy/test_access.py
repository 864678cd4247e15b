"""Rights in Kafka: a principal has what its service does, and a hospital's patients stay in the hospital."""

import pytest

from segwatch.contracts.topics import (
    CENTRE_TOPICS,
    DECISIONS,
    EXCESS,
    LEDGER,
    RELEASE,
    SITE_TOPICS,
    at_the_centre,
)
from segwatch.errors import BadInput
from segwatch.streaming.access import CONNECT_TOPICS, DEAD_LETTERS, HOSPITAL, centre


def rights_of(manifests):
    """{(user, operation, type, name)} of all KafkaUsers."""
    return {
        (user["metadata"]["name"], operation, rule["resource"]["type"], rule["resource"]["name"])
        for user in manifests
        if user["kind"] == "KafkaUser"
        for rule in user["spec"]["authorization"]["acls"]
        for operation in rule["operations"]
    }


@pytest.mark.parametrize("overlay", ["hospital", "central"])
def test_rights_are_literal_and_small(rendered, overlay):
    users = [each for each in rendered(overlay) if each["kind"] == "KafkaUser"]

    assert users
    for user in users:
        for rule in user["spec"]["authorization"]["acls"]:
            assert rule["resource"]["patternType"] == "literal"
            assert "*" not in rule["resource"]["name"]
            assert set(rule["operations"]) <= {"Read", "Write", "Describe"}


def test_a_site_may_write_and_describe_its_one_topic_at_the_centre_and_nothing_else(rendered):
    rights = {right for right in rights_of(rendered("central")) if right[0] == "hospital-a"}
    topic = at_the_centre("hospital-a")

    assert rights == {("hospital-a", "Write", "topic", topic), ("hospital-a", "Describe", "topic", topic)}


def test_at_the_centre_federation_writes_what_its_members_tell_and_only_who_decides_writes_decisions(
    rendered,
):
    rights = rights_of(rendered("central"))
    written = {(user, topic) for user, operation, _, topic in rights if operation == "Write"}

    assert {user for user, operation, *_ in rights if operation == "Read"} == {
        "federation",
        "operator",
        "backup",
    }
    assert {user for user, _ in written} == {"hospital-a", "hospital-b", "operator", "federation"}
    assert {topic for user, topic in written if user == "federation"} == {EXCESS}
    assert {user for user, topic in written if topic == EXCESS} == {"federation"}
    assert {topic for user, topic in written if user == "operator"} == {DECISIONS}
    assert {user for user, topic in written if topic == DECISIONS} == {"operator"}


def test_no_site_bears_the_name_of_a_principal_of_the_centres():
    with pytest.raises(BadInput, match="operator"):
        centre(["hospital-a", "operator"])


def test_the_bridge_reads_the_release_and_no_patient_topic():
    bridge = HOSPITAL["bridge"]

    assert set(bridge.reads) & {*SITE_TOPICS, *DEAD_LETTERS} == {RELEASE}
    assert set(bridge.writes) == set(CONNECT_TOPICS)


def test_only_aggregation_writes_what_leaves_and_what_decides_it():
    for topic in (RELEASE, LEDGER):
        assert [name for name, access in HOSPITAL.items() if topic in access.writes] == ["aggregation"]


def test_every_topic_of_a_hospital_is_written_by_somebody():
    written = {topic for access in HOSPITAL.values() for topic in access.writes}

    assert {*SITE_TOPICS, *DEAD_LETTERS} <= written


def test_a_stage_that_is_started_finds_its_topics_and_its_group(rendered):
    rights = rights_of(rendered("hospital"))

    assert ("scoring", "Read", "group", "segwatch.scoring") in rights
    for needed in (
        "segwatch.study.measured.v1",
        "segwatch.study.measured.v1.dlq",
        "segwatch.study.scored.v1",
    ):
        assert ("scoring", "Describe", "topic", needed) in rights


def test_every_site_that_is_let_in_has_its_own_topic_only():
    sites = centre(["a", "b"])

    assert sites["a"].writes != sites["b"].writes
    assert set(sites["federation"].reads) == {*sites["a"].writes, *sites["b"].writes, *CENTRE_TOPICS}
