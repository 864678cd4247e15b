"""What the keeper puts into Secrets, through a Kubernetes API that a test holds: real HTTPS, real openssl."""

import json
import ssl

import pytest

from segwatch.errors import BadSettings
from segwatch.keeper.certificates import AUTHORITY, TRUSTED, keep_certificates, secrets_of
from segwatch.keeper.secrets import KubernetesUnavailable, Secrets
from segwatch.streaming.access import BROKER
from segwatch.streaming.certificate_files import names_of
from segwatch.streaming.ground import end_of
from tests.support.kubernetes_api import Api, serving

PRINCIPALS = ("scoring", "bridge")


@pytest.fixture
def api():
    return Api(secrets_of(PRINCIPALS))


@pytest.fixture
def secrets(api, tmp_path):
    with serving(api, tmp_path) as found:
        yield found


@pytest.fixture
def keep(secrets, tmp_path):
    """One look, in a pod that has just started."""
    pods = iter(range(9))

    def once(hosts=("log-kafka-bootstrap",)):
        folder = tmp_path / f"pod-{next(pods)}"
        folder.mkdir()
        return keep_certificates(secrets, folder, PRINCIPALS, hosts)

    return once


def test_every_secret_is_filled_and_what_pods_wait_for_comes_last(api, keep):
    keep()

    assert api.filled == [AUTHORITY, BROKER, *PRINCIPALS, TRUSTED]
    assert {tuple(api.held[name]) for name in PRINCIPALS} == {("ca.crt", "user.crt", "user.key", "user.pem")}
    assert list(api.held[TRUSTED]) == ["ca.crt"], "the authority's key is in one Secret only"


def test_what_is_filled_is_a_certificate_of_the_one_authority(api, keep, tmp_path):
    keep()
    trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusted.load_verify_locations(cadata=api.entry(TRUSTED, "ca.crt").decode())
    for name in (BROKER, *PRINCIPALS):
        both = tmp_path / f"{name}.pem"
        both.write_bytes(api.entry(name, "user.pem"))
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(both)  # key and certificate belong together
    assert {"log-kafka-bootstrap", "127.0.0.1"} <= names_of(tmp_path / "broker.pem")
    assert len(trusted.get_ca_certs()) == 1


def test_the_next_pod_changes_nothing(api, keep):
    keep()
    held = json.dumps(api.held)
    keep()

    assert json.dumps(api.held) == held


def test_what_ends_soon_is_renewed_and_the_authority_stays(api, keep, monkeypatch):
    keep()
    authority, before = api.entry(TRUSTED, "ca.crt"), api.entry("scoring", "user.crt")
    monkeypatch.setattr("segwatch.streaming.authority.RENEW_SECONDS", 400 * 86400.0)
    keep()

    assert api.entry("scoring", "user.crt") != before
    assert api.entry(TRUSTED, "ca.crt") == authority


def test_an_authority_that_was_lost_is_made_anew_with_all_that_it_signed(api, keep):
    keep()
    before = api.entry("scoring", "user.crt")
    api.held[AUTHORITY] = {}
    keep()

    assert api.entry("scoring", "user.crt") != before
    assert len({api.entry(name, "ca.crt") for name in (AUTHORITY, BROKER, *PRINCIPALS, TRUSTED)}) == 1


def test_a_broker_that_is_called_by_another_name_gets_another_certificate(api, keep, tmp_path):
    keep()
    before = api.entry("scoring", "user.crt")
    keep(("log-kafka-bootstrap", "198.51.100.10"))
    (tmp_path / "shown.crt").write_bytes(api.entry(BROKER, "user.crt"))

    assert "198.51.100.10" in names_of(tmp_path / "shown.crt")
    assert api.entry("scoring", "user.crt") == before


def test_the_authority_holds_for_ten_years(api, keep, tmp_path):
    keep()
    (tmp_path / "shown.crt").write_bytes(api.entry(AUTHORITY, "ca.crt"))
    (tmp_path / "leaf.crt").write_bytes(api.entry(BROKER, "user.crt"))
    years = (end_of(tmp_path / "shown.crt") - end_of(tmp_path / "leaf.crt")) / (365 * 86400)

    assert round(years) == 9


def test_a_secret_that_the_manifests_did_not_bring_is_said(api, keep):
    del api.held["scoring"]

    with pytest.raises(BadSettings, match="scoring"):
        keep()


def test_a_secret_that_somebody_else_has_changed_is_not_written_over(api, secrets):
    seen = secrets.read("scoring")
    api.versions["scoring"] += 1

    with pytest.raises(KubernetesUnavailable, match="409"):
        secrets.fill("scoring", {"ca.crt": b"x"}, seen)


def test_an_api_that_is_away_is_tried_again_later(tmp_path, secrets):
    away = Secrets("https://127.0.0.1:1", tmp_path / "account")
    assert secrets.read("scoring").entries == {}

    with pytest.raises(KubernetesUnavailable):
        away.read("scoring")
