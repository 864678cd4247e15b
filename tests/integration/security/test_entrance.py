"""Getting in at all: no certificate, an expired one, a stranger's, a wrong password, plaintext.

Each is refused by the broker, and what the service then says names the likely cause, within seconds: the
client itself would say "unable to bootstrap" after half a minute.
"""

import dataclasses
import time
from pathlib import Path

import pytest

from deploy.local.kafka.log_address import LogAddress
from deploy.local.machine.ports import LOOPBACK
from segwatch.errors import LogUnavailable
from segwatch.streaming.authority import Authority, Identity
from segwatch.streaming.kafka.log import KafkaLog
from segwatch.streaming.settings import ConnectionSettings
from tests.support.certificates import expired
from tests.support.hospital_and_centre import HospitalAndCentre

pytestmark = pytest.mark.broker
PATIENCE_SECONDS = 20
"""Well below the client's own 30 s, with room for a busy machine."""


@pytest.fixture
def scoring(both: HospitalAndCentre) -> LogAddress:
    return both.hospital.known_as("scoring")


@pytest.fixture
def quick_to_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long a service really waits is seen once, below."""
    monkeypatch.setattr("segwatch.streaming.kafka.options.BOOTSTRAP_MS", 2_000)


def refusal(settings: ConnectionSettings) -> str:
    began = time.monotonic()
    with pytest.raises(LogUnavailable) as refused:
        KafkaLog(settings)
    assert time.monotonic() - began < PATIENCE_SECONDS
    return str(refused.value)


def with_identity(address: LogAddress, identity: Identity) -> ConnectionSettings:
    return address.known_as(identity).settings


@pytest.mark.usefixtures("quick_to_give_up")
def test_without_a_certificate(scoring: LogAddress) -> None:
    said = refusal(scoring.settings.model_copy(update={"kafka_cert_file": None, "kafka_key_file": None}))
    assert "wants a client certificate" in said
    assert "SEGWATCH_KAFKA_CERT_FILE" in said


def test_with_an_expired_certificate(both: HospitalAndCentre, scoring: LogAddress, tmp_path: Path) -> None:
    assert both.hospital.authority is not None
    old = expired(both.hospital.authority, "scoring", tmp_path)
    said = refusal(with_identity(scoring, old))
    assert "expired" in said
    assert str(old.certificate) in said


@pytest.mark.usefixtures("quick_to_give_up")
def test_with_a_certificate_of_another_authority(scoring: LogAddress, tmp_path: Path) -> None:
    """Such as the centre's administrator at a hospital's door."""
    assert scoring.identity is not None
    stranger = Authority(tmp_path, "stranger").issue("platform")
    said = refusal(with_identity(scoring, dataclasses.replace(stranger, ca=scoring.identity.ca)))
    assert "SEGWATCH_KAFKA_CERT_FILE" in said


@pytest.mark.usefixtures("quick_to_give_up")
def test_the_centres_administrator_is_a_stranger_in_the_hospital(both: HospitalAndCentre) -> None:
    theirs, ours = both.centre.log_address.identity, both.hospital.log_address
    assert theirs is not None
    assert ours.identity is not None
    said = refusal(with_identity(ours, dataclasses.replace(theirs, ca=ours.identity.ca)))
    assert "wants a client certificate that it knows" in said


@pytest.mark.usefixtures("quick_to_give_up")
def test_a_broker_that_is_not_ours_is_not_believed(both: HospitalAndCentre, scoring: LogAddress) -> None:
    assert scoring.identity is not None
    elsewhere = both.centre.authority
    assert elsewhere is not None
    said = refusal(with_identity(scoring, dataclasses.replace(scoring.identity, ca=elsewhere.trusted)))
    assert "SEGWATCH_KAFKA_CA_FILE" in said


@pytest.mark.parametrize("which", [0, 1], ids=["clients' port", "controllers' port"])
@pytest.mark.usefixtures("quick_to_give_up")
def test_in_plaintext(both: HospitalAndCentre, which: int) -> None:
    """A controller that listened in plaintext would let anybody change every right."""
    port = both.broker("hospital").ports[which]
    said = refusal(ConnectionSettings(kafka_bootstrap=f"{LOOPBACK}:{port}"))
    assert "SEGWATCH_KAFKA_SECURITY=SSL" in said


@pytest.mark.parametrize("which", [0, 1], ids=["clients' port", "controllers' port"])
@pytest.mark.usefixtures("quick_to_give_up")
def test_no_door_opens_without_a_certificate(
    both: HospitalAndCentre, which: int, scoring: LogAddress
) -> None:
    port = both.broker("hospital").ports[which]
    settings = scoring.settings.model_copy(
        update={"kafka_bootstrap": f"{LOOPBACK}:{port}", "kafka_cert_file": None, "kafka_key_file": None}
    )
    assert "wants a client certificate" in refusal(settings)


@pytest.mark.usefixtures("quick_to_give_up")
def test_a_service_may_not_speak_as_a_controller(both: HospitalAndCentre, scoring: LogAddress) -> None:
    """It has a certificate, so it comes in at the controller's port; there it has no rights."""
    port = both.broker("hospital").ports[1]
    said = refusal(scoring.settings.model_copy(update={"kafka_bootstrap": f"{LOOPBACK}:{port}"}))
    assert said
