"""Settings come from the environment, and whatever is wrong with them is said by name."""

from pathlib import Path

import pytest

from segwatch.errors import BadSettings
from segwatch.streaming.settings import ConnectionSettings, ServiceSettings, load_settings, secret


class WithStore(ServiceSettings):
    store: Path


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.setenv("SEGWATCH_LOG", "embedded")
    monkeypatch.setenv("SEGWATCH_LOG_FILE", str(tmp_path / "log.db"))
    return monkeypatch


def test_settings_are_read_from_the_environment(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("SEGWATCH_STORE", str(tmp_path))
    environment.setenv("SEGWATCH_MAX_ATTEMPTS", "5")
    environment.setenv("SEGWATCH_MEMBER", "")
    settings = load_settings(WithStore)
    assert settings.store == tmp_path
    assert settings.max_attempts == 5
    assert settings.member is None


def test_a_misspelt_setting_is_refused_with_the_nearest_that_exists(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("SEGWATCH_KAFKA_BOOTSTAP", "kafka:9092")
    with pytest.raises(BadSettings, match=r"SEGWATCH_KAFKA_BOOTSTAP.*nearest is SEGWATCH_KAFKA_BOOTSTRAP"):
        load_settings(ServiceSettings)


def test_a_setting_that_is_like_no_other_is_refused_with_all_that_exist(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("SEGWATCH_ZZZ", "1")
    with pytest.raises(BadSettings, match=r"SEGWATCH_ZZZ.*known are SEGWATCH_HTTP_HOST"):
        load_settings(ServiceSettings)


def test_a_tool_does_not_mind_the_settings_of_the_service_that_it_runs_beside(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("SEGWATCH_STORE", "/store")
    assert load_settings(ConnectionSettings, strangers=True).log == "embedded"


def test_every_missing_or_wrong_setting_is_named_without_its_value(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("SEGWATCH_MAX_ATTEMPTS", "hunter2")
    with pytest.raises(BadSettings) as refused:
        load_settings(WithStore)
    assert "SEGWATCH_STORE: is not set" in str(refused.value)
    assert "SEGWATCH_MAX_ATTEMPTS" in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"log": "embedded"}, "LOG_FILE"),
        ({"log": "kafka"}, "KAFKA_BOOTSTRAP"),
        ({"kafka_security": "SSL"}, "KAFKA_CA_FILE"),
        ({"kafka_cert_file": __file__}, "KAFKA_KEY_FILE"),
        ({"kafka_security": "SASL_SSL", "kafka_ca_file": __file__}, "KAFKA_USERNAME"),
        ({"kafka_ca_file": "/nowhere/ca.pem"}, "/nowhere/ca.pem"),
        ({"watchdog_seconds": 10}, "WATCHDOG_SECONDS"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(
    environment: pytest.MonkeyPatch, given: dict[str, str], says: str
) -> None:
    for name in ("SEGWATCH_LOG", "SEGWATCH_LOG_FILE"):
        environment.delenv(name)
    if given.get("log") is None:
        environment.setenv("SEGWATCH_KAFKA_BOOTSTRAP", "kafka:9092")
    for name, value in given.items():
        environment.setenv(f"SEGWATCH_{name.upper()}", str(value))
    with pytest.raises(BadSettings, match=says):
        load_settings(ServiceSettings)


def test_a_secret_is_the_file_without_the_end_of_its_line(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("tr0ub4dor\n")
    assert secret(tmp_path / "password") == "tr0ub4dor"


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
def test_a_secret_that_cannot_be_read_is_refused_by_its_file(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadSettings, match="password"):
        secret(path)
