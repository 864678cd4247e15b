"""`segwatch preflight` against real brokers with certificates and rights: topics, rights, authorities."""

from pathlib import Path

from kafka.admin import ConfigResource, ConfigResourceType

from deploy.local.kafka.log_address import LogAddress
from segwatch.contracts.topics import HOSPITAL_TOPICS, MEASURED, RECEIVED, SCORER_DECISIONS
from segwatch.preflight.broker import broker
from segwatch.preflight.findings import Finding, findings_of
from segwatch.preflight.server import Circumstances, server_checks
from segwatch.streaming.access import HOSPITAL, Access
from segwatch.streaming.authority import Authority
from tests.support.doors import admin
from tests.support.hospital_and_centre import HospitalAndCentre


def looked(address: LogAddress, access: Access | None, otherwise: tuple[str, ...] = ()) -> list[Finding]:
    return list(broker(address.settings, "Kafka", lambda _: access, otherwise=otherwise))


def faults(found: list[Finding]) -> list[tuple[str, str]]:
    return [(each.check, each.what) for each in found if each.state == "fault"]


def test_a_service_with_its_rights_is_well(both: HospitalAndCentre):
    found = looked(both.hospital.known_as("scoring"), HOSPITAL["scoring"])

    assert faults(found) == []
    assert any(each.check == "rights" and each.state == "ok" for each in found)
    # How topics are kept is not a service's to see, and what was not seen is not said to be well.
    assert [each.check for each in found if each.state == "unknown"] == ["retention"]


def test_where_platform_is_asked_too_all_is_known(both: HospitalAndCentre):
    given = {
        name: {key.removeprefix("SEGWATCH_"): value for key, value in address.environment.items()}
        for name, address in (
            ("platform", both.broker("hospital").log_address),
            ("scoring", both.hospital.known_as("scoring")),
        )
    }
    found = [
        each
        for check in server_checks(given, Circumstances())
        if check.name == "kafka"
        for each in findings_of(check)
    ]

    assert [each for each in found if each.state in ("fault", "unknown")] == []
    assert sum(each.check == "kafka" for each in found) == len(given)


def test_no_rights_on_a_topic_are_found(both: HospitalAndCentre):
    wants = Access(reads=(RECEIVED,), writes=(MEASURED,))

    found = faults(looked(both.hospital.known_as("scoring"), wants))

    assert ("rights", f"scoring may not Write on {MEASURED}") in found
    assert ("rights", f"scoring may not Describe on {RECEIVED}") in found


def test_a_missing_topic_and_one_that_forgets_are_found(both: HospitalAndCentre):
    platform = both.broker("hospital").log_address
    admin(platform, lambda client: client.alter_configs([hour(SCORER_DECISIONS, 3_600_000)]))

    found = looked(platform, None, (*HOSPITAL_TOPICS, "b.segwatch.site.release.v1"))
    admin(platform, lambda client: client.alter_configs([hour(SCORER_DECISIONS, -1)]))

    assert [check for check, _ in faults(found)] == ["retention", "topic"]
    assert f"{SCORER_DECISIONS} has retention.ms=3600000 and must have -1" in dict(faults(found))["retention"]
    assert "b.segwatch.site.release.v1" in dict(faults(found))["topic"]


def hour(topic: str, milliseconds: int) -> ConfigResource:
    return ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": str(milliseconds)})


def test_another_authority_is_found(both: HospitalAndCentre, tmp_path: Path):
    stranger = Authority(tmp_path, "stranger").issue("scoring")
    address = both.hospital.log_address.known_as(stranger)

    assert [check for check, _ in faults(looked(address, HOSPITAL["scoring"]))] == ["ca"]
