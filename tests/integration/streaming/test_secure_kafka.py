"""TLS with client certificates and SCRAM passwords on a real broker, and what is said when they are wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kafka
import pytest

from deploy.local.kafka.broker import Broker
from deploy.local.machine.ports import LOOPBACK
from segwatch.errors import LogUnavailable
from segwatch.streaming.kafka.log import KafkaLog
from segwatch.streaming.log import Outgoing
from segwatch.streaming.settings import ConnectionSettings
from tests.support.certificates import make_certificates

pytestmark = pytest.mark.broker


class SecureBroker(Broker):
    """Beside its plain port one for client certificates and one for passwords."""

    def __init__(self, folder: Path, certificates: Path) -> None:
        super().__init__(folder, more_ports=2)
        self.certificates = certificates

    @property
    def tls_port(self) -> int:
        return self.ports[2]

    @property
    def password_port(self) -> int:
        return self.ports[3]

    def settings(self) -> dict[str, str]:
        plain = super().settings()
        folder = self.certificates
        store = folder / "keystore.pem"
        store.write_text((folder / "server.key").read_text() + (folder / "server.pem").read_text())
        ours = f"SSL://{LOOPBACK}:{self.tls_port},SASL_SSL://{LOOPBACK}:{self.password_port}"
        protocols = "SSL:SSL,SASL_SSL:SASL_SSL"
        return plain | {
            "listeners": f"{plain['listeners']},{ours}",
            "advertised.listeners": f"{plain['advertised.listeners']},{ours}",
            "listener.security.protocol.map": f"{plain['listener.security.protocol.map']},{protocols}",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(store),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(folder / "ca.pem"),
            "listener.name.ssl.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            ),
        }


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    certificates = make_certificates(tmp_path_factory.mktemp("tls"))
    with SecureBroker(tmp_path_factory.mktemp("secure"), certificates) as broker:
        admin = kafka.KafkaAdminClient(bootstrap_servers=broker.bootstrap)
        admin.alter_user_scram_credentials([scram("segwatch", "right")])
        admin.close()
        yield broker


def scram(user: str, password: str) -> Any:
    from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

    return UserScramCredentialUpsertion(user, ScramMechanism.SCRAM_SHA_512, password, 4096)


@pytest.fixture
def by_certificate(secure: SecureBroker) -> dict[str, Any]:
    return {
        "kafka_bootstrap": f"{LOOPBACK}:{secure.tls_port}",
        "kafka_security": "SSL",
        "kafka_ca_file": secure.certificates / "ca.pem",
        "kafka_cert_file": secure.certificates / "server.pem",
        "kafka_key_file": secure.certificates / "server.key",
    }


@pytest.fixture
def by_password(secure: SecureBroker, tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "password").write_text("right\n")
    return {
        "kafka_bootstrap": f"{LOOPBACK}:{secure.password_port}",
        "kafka_security": "SASL_SSL",
        "kafka_ca_file": secure.certificates / "ca.pem",
        "kafka_username": "segwatch",
        "kafka_password_file": tmp_path / "password",
    }


@pytest.mark.parametrize("way", ["by_certificate", "by_password"])
def test_records_go_through(way: str, request: pytest.FixtureRequest) -> None:
    with KafkaLog(ConnectionSettings(**request.getfixturevalue(way))) as log:
        log.create_topics({way: 1})
        log.producer().send([Outgoing(way, b"k", b"v")])
        consumer = log.consumer(group=way, topics=[way])
        for _ in range(20):
            if found := consumer.poll(1.0):
                break
        assert [record.value for record in found] == [b"v"]


@pytest.fixture
def quick_to_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segwatch.streaming.kafka.options.BOOTSTRAP_MS", 2_000)


@pytest.mark.usefixtures("quick_to_give_up")
@pytest.mark.parametrize(
    ("way", "wrong", "says"),
    [
        ("by_certificate", {"kafka_ca_file": "other.pem"}, "SEGWATCH_KAFKA_CA_FILE"),
        ("by_certificate", {"kafka_cert_file": None, "kafka_key_file": None}, "SEGWATCH_KAFKA_CERT_FILE"),
        ("by_password", {"kafka_username": "somebody"}, "SEGWATCH_KAFKA_PASSWORD_FILE"),
        ("by_certificate", {"kafka_security": "PLAINTEXT"}, "SEGWATCH_KAFKA_SECURITY=SSL"),
    ],
)
def test_a_wrong_secret_is_explained(
    way: str, wrong: dict[str, Any], says: str, secure: SecureBroker, request: pytest.FixtureRequest
) -> None:
    settings = request.getfixturevalue(way) | wrong
    if wrong.get("kafka_ca_file"):
        settings["kafka_ca_file"] = secure.certificates / wrong["kafka_ca_file"]
    with pytest.raises(LogUnavailable, match=says):
        KafkaLog(ConnectionSettings(**settings))


def test_a_password_is_changed_while_a_service_works_and_no_study_is_lost(
    secure: SecureBroker, by_password: dict[str, Any]
) -> None:
    """The platform changes the password, then the file. Open connections stay; new ones show the new one."""
    with KafkaLog(ConnectionSettings(**by_password)) as log, log.producer() as producer:
        log.create_topics({"changed": 1})
        producer.send([Outgoing("changed", b"k", b"before")])
        admin = kafka.KafkaAdminClient(bootstrap_servers=secure.bootstrap)
        admin.alter_user_scram_credentials([scram("segwatch", "another")])
        admin.close()
        by_password["kafka_password_file"].write_text("another\n")
        producer.send([Outgoing("changed", b"k", b"between")])
        secure.stop()  # so that everybody has to come in again
        secure.start()
        producer.send([Outgoing("changed", b"k", b"after")])
        with log.reader(["changed"]) as reader:
            found: list[bytes | None] = []
            while not reader.at_end():
                found += [record.value for record in reader.poll(1.0)]
    assert found == [b"before", b"between", b"after"]
