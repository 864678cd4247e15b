"""What kafka-python's errors mean to us, and why a broker cannot be reached."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka import errors as kafka

from deploy.local.machine.ports import reserve_ports
from segwatch.errors import BadSettings, LogRefused, LogUnavailable, LostPlace, Unprocessable
from segwatch.streaming.kafka.diagnosis import likely_cause, unreachable
from segwatch.streaming.kafka.errors import translated
from segwatch.streaming.kafka.log import KafkaLog
from segwatch.streaming.kafka.options import connection, servers
from segwatch.streaming.settings import ConnectionSettings
from tests.support.certificates import make_certificates


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (kafka.KafkaTimeoutError("expired"), LogUnavailable),
        (kafka.KafkaConnectionError("refused"), LogUnavailable),
        (kafka.NotEnoughReplicasError(), LogUnavailable),
        (kafka.RebalanceInProgressError(), LogUnavailable),
        (kafka.CommitFailedError(kafka.RebalanceInProgressError()), LogUnavailable),
        (kafka.CommitFailedError("kicked out"), LostPlace),
        (kafka.FencedInstanceIdError(), LostPlace),
        (kafka.UnknownMemberIdError(), LostPlace),
        (kafka.TopicAuthorizationFailedError({"t"}), LogRefused),
        (kafka.GroupAuthorizationFailedError("g"), LogRefused),
        (kafka.UnknownTopicOrPartitionError(), LogRefused),
        (kafka.MessageSizeTooLargeError(), Unprocessable),
        (ConnectionResetError("reset"), LogUnavailable),
        (RuntimeError("NetworkSelector closed!"), LogUnavailable),
    ],
)
def test_every_error_of_the_client_has_its_meaning(raised: Exception, expected: type[Exception]) -> None:
    with pytest.raises(expected), translated("sending"):
        raise raised


def test_a_wrong_option_is_our_own_mistake() -> None:
    with pytest.raises(kafka.KafkaConfigurationError), translated("sending"):
        raise kafka.KafkaConfigurationError("no such option")


def test_a_wrong_port_is_named_with_what_is_wrong() -> None:
    (port,) = reserve_ports(1)
    with pytest.raises(LogUnavailable, match=f"127.0.0.1:{port}: nothing listens there.*KAFKA_BOOTSTRAP"):
        KafkaLog(ConnectionSettings(kafka_bootstrap=f"127.0.0.1:{port}"))


def test_a_host_that_does_not_exist_is_named() -> None:
    assert "no such host name" in str(unreachable(["kafka.invalid:9092"]))


@pytest.mark.parametrize("address", ["kafka", "kafka:", ":9092", "kafka:port"])
def test_an_address_without_a_port_is_refused(address: str) -> None:
    with pytest.raises(BadSettings, match="host:port"):
        servers(ConnectionSettings(kafka_bootstrap=address))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificates(tmp_path_factory.mktemp("tls"))


Serve = Callable[[Callable[[socket.socket], None]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Listens, and gives every connection to a function."""
    listeners: list[socket.socket] = []

    def serve(answer: Callable[[socket.socket], None]) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    answer(connection)

        threading.Thread(target=accept, daemon=True).start()
        return f"127.0.0.1:{listener.getsockname()[1]}"

    yield serve
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def tls_server(certificates: Path, *, asks_for_client: bool) -> Callable[[socket.socket], None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    if asks_for_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificates / "ca.pem")

    def answer(connection: socket.socket) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) as secure:
                secure.recv(1)
        except OSError:
            return

    return answer


def client(ca: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(ca))


def test_a_ca_that_did_not_sign_is_found_out(certificates: Path, serve: Serve) -> None:
    server = serve(tls_server(certificates, asks_for_client=False))
    cause = likely_cause([server], "SSL", client(certificates / "other.pem"))
    assert "SEGWATCH_KAFKA_CA_FILE" in cause
    assert server in cause


def test_a_missing_client_certificate_is_found_out(certificates: Path, serve: Serve) -> None:
    server = serve(tls_server(certificates, asks_for_client=True))
    cause = likely_cause([server], "SSL", client(certificates / "ca.pem"))
    assert "SEGWATCH_KAFKA_CERT_FILE" in cause


def test_a_plain_port_behind_a_tls_setting_is_found_out(certificates: Path, serve: Serve) -> None:
    server = serve(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    cause = likely_cause([server], "SSL", client(certificates / "ca.pem"))
    assert "TLS" in cause
    assert "PLAINTEXT" in cause


def test_where_tls_works_the_password_is_the_likely_cause(certificates: Path, serve: Serve) -> None:
    server = serve(tls_server(certificates, asks_for_client=False))
    cause = likely_cause([server], "SASL_SSL", client(certificates / "ca.pem"))
    assert "SEGWATCH_KAFKA_PASSWORD_FILE" in cause


def test_a_tls_port_behind_a_plain_setting_is_guessed() -> None:
    assert "SEGWATCH_KAFKA_SECURITY" in likely_cause(["127.0.0.1:9092"], "PLAINTEXT", None)


def test_certificates_and_passwords_become_options(certificates: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    options = connection(
        ConnectionSettings(
            kafka_bootstrap="a:1, b:2",
            kafka_security="SASL_SSL",
            kafka_ca_file=certificates / "ca.pem",
            kafka_cert_file=certificates / "server.pem",
            kafka_key_file=certificates / "server.key",
            kafka_username="segwatch",
            kafka_password_file=tmp_path / "password",
        )
    )
    assert options["bootstrap_servers"] == ["a:1", "b:2"]
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert options["sasl_plain_password"].encode() == b"secret"
    assert "secret" not in str(options), "whoever shows the options must not show the password"
    assert options["ssl_context"].check_hostname
    assert options["ssl_context"].minimum_version == ssl.TLSVersion.TLSv1_2


def test_files_that_hold_no_certificate_are_refused_by_name(certificates: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(BadSettings, match=r"SEGWATCH_KAFKA_CA_FILE.*empty\.pem"):
        connection(
            ConnectionSettings(
                kafka_bootstrap="a:1", kafka_security="SSL", kafka_ca_file=tmp_path / "empty.pem"
            )
        )
    with pytest.raises(BadSettings, match=r"SEGWATCH_KAFKA_KEY_FILE"):
        connection(
            ConnectionSettings(
                kafka_bootstrap="a:1",
                kafka_security="SSL",
                kafka_ca_file=certificates / "ca.pem",
                kafka_cert_file=certificates / "server.pem",
                kafka_key_file=certificates / "other.key",
            )
        )
