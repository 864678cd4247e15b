"""Each fault that a server may have, planted for real where it can be: found, with its remedy."""

import json
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import pytest
from pynetdicom import AE

from deploy.local.machine.folders import MODELS, POLICIES
from segwatch.preflight.certificates import door, served
from segwatch.preflight.clock import clock
from segwatch.preflight.disks import disks
from segwatch.preflight.findings import Check, Finding, exit_code, findings_of, ok, unknown
from segwatch.preflight.models import models
from segwatch.preflight.monitoring import alertmanager, picked_up, prometheus, tells_somebody
from segwatch.preflight.network import reach
from segwatch.preflight.policies import policy, site
from segwatch.preflight.server import Circumstances, server_checks
from segwatch.preflight.settings_files import environments
from segwatch.streaming.authority import NEW_KEY, Authority, openssl
from tests.support.planted import proxy_to_everywhere, served_by, shut_port, time_server, tls_server, web_page


class Usage(NamedTuple):
    total: int
    used: int
    free: int


VERIFICATION = "1.2.840.10008.1.1"


def is_fault(found: Finding, check: str, *words: str) -> None:
    """It is a fault of this name in one line that has these words, and says what to do."""
    assert (found.check, found.state) == (check, "fault"), found
    assert found.remedy
    assert "\n" not in found.line()
    for word in words:
        assert word in found.what


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority", "site")


def test_a_clock_five_minutes_off_the_time_server_is_found():
    with time_server(ahead=300) as port:
        is_fault(*clock([f"127.0.0.1:{port}"], []), "clock", "300 s behind")
    with time_server(ahead=0) as port:
        assert [each.state for each in clock([f"127.0.0.1:{port}"], [])] == ["ok"]


def test_a_clock_five_minutes_off_a_web_page_is_found():
    with web_page({}, ahead=-300) as url:  # also where the page itself is missing
        is_fault(*clock([], [url]), "clock", "ahead of")


def test_a_clock_that_is_compared_with_nothing_is_not_well():
    assert [each.state for each in clock([], [])] == ["unknown"]
    assert [each.state for each in clock([f"127.0.0.1:{shut_port()}"], [])] == ["unknown"]


def test_a_missing_authority_is_found(tmp_path: Path):
    found = looked_at({"KAFKA_CA_FILE": str(tmp_path / "ca.crt")}, "certificate")
    is_fault(found, "ca", "there is no file")


def test_an_authority_that_did_not_sign_is_found(authority: Authority, tmp_path: Path):
    other = Authority(tmp_path / "other", "other")
    with tls_server(authority.issue("broker")) as port:
        is_fault(served(f"127.0.0.1:{port}", "Kafka", other.trusted), "ca", "is not by")
        assert served(f"127.0.0.1:{port}", "Kafka", authority.trusted).state == "ok"


def test_a_certificate_for_another_host_is_found(authority: Authority):
    shown = authority.issue("broker")
    with tls_server(shown) as port:
        is_fault(served(f"localhost:{port}", "Kafka", authority.trusted), "certificate", "another name")
    is_fault(door(shown.certificate, "segwatch.hospital.example"), "certificate", "senders call")
    assert door(shown.certificate, "127.0.0.1").state == "ok"


def test_a_certificate_that_ends_soon_is_found(tmp_path: Path):
    key, certificate = tmp_path / "k.pem", tmp_path / "c.pem"
    openssl(
        "req",
        "-x509",
        *NEW_KEY,
        "-days",
        "5",
        "-subj",
        "/CN=a",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    )
    settings = {"KAFKA_CERT_FILE": str(certificate), "KAFKA_KEY_FILE": str(key)}
    is_fault(looked_at(settings, "certificate"), "certificate", "ends in 5 days")


def test_a_certificate_with_another_key_is_found(authority: Authority):
    one, other = authority.issue("one"), authority.issue("other")
    settings = {"KAFKA_CERT_FILE": str(one.certificate), "KAFKA_KEY_FILE": str(other.key)}
    is_fault(all_of(settings, "certificate")[-1], "certificate", "no certificate and its key")


def test_a_model_with_another_hash_is_found(tmp_path: Path):
    bundle = shutil.copytree(MODELS / "demo-lesion", tmp_path / "lesion")
    assert [each.state for each in models({"LESION_MODEL": str(bundle)})] == ["ok"]
    is_fault(*models({"LESION_MODEL": str(bundle), "LESION_MODEL_SHA256": "0" * 64}), "model", "LESION_MODEL")
    (bundle / "plans.json").write_text("{}")
    is_fault(*models({"LESION_MODEL": str(bundle)}), "model", "plans.json")
    scorer = shutil.copytree(MODELS / "demo-scorer", tmp_path / "scorer")
    (scorer / "model.skops").write_bytes(b"other")
    is_fault(*models({"SCORER": str(scorer)}), "model", "model.skops")


def test_absent_weights_are_found(tmp_path: Path):
    is_fault(*models({"LESION_MODEL": str(tmp_path / "lesion")}), "weights", "nothing at")
    is_fault(*models({"LUNG_WEIGHTS": str(tmp_path / "r231.pth")}), "weights", "LUNG_WEIGHTS")


def test_a_disk_at_95_percent_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**13, 95 * 10**11, 5 * 10**11))
    found = list(disks({"store": tmp_path}, 40))
    is_fault(found[0], "disk", "95 %")
    assert found[1].state == "ok"


def test_a_disk_that_is_too_small_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**10, 0, 10**10))
    is_fault(list(disks({"store": tmp_path}, 40))[1], "disk-size", "needs 468 GB")


def test_a_shut_port_is_found():
    is_fault(reach(f"127.0.0.1:{shut_port()}", "Kafka"), "port", "nothing listens")
    with served_by(lambda _: None) as port:
        assert reach(f"127.0.0.1:{port}", "Kafka").state == "ok"


def test_a_name_that_no_dns_knows_is_found():
    is_fault(reach("kafka.nowhere.invalid:9094", "the centre's Kafka"), "dns", "kafka.nowhere.invalid")


def test_a_needed_proxy_is_found():
    with proxy_to_everywhere() as port:
        found = reach("kafka.nowhere.invalid:9094", "the centre", f"http://user:secret@127.0.0.1:{port}")
    is_fault(found, "proxy", f"through the proxy 127.0.0.1:{port} only")
    assert "secret" not in found.line()


def test_a_pacs_that_does_not_answer_is_found():
    with served_by(lambda _: None) as port:  # the port is open, and nobody speaks DICOM there
        is_fault(all_of({"PACS": f"PACS@127.0.0.1:{port}"}, "pacs")[-1], "pacs", "does not answer C-ECHO")


@pytest.mark.parametrize(
    ("knows", "called", "word"), [("OTHER", "PACS", "refuses our title"), ("", "WRONG", "another title")]
)
def test_a_pacs_that_refuses_a_title_is_found(knows: str, called: str, word: str):
    with pacs("PACS", knows) as port:
        is_fault(all_of({"PACS": f"{called}@127.0.0.1:{port}"}, "pacs")[-1], "pacs-title", word)


def test_a_pacs_that_answers_is_well():
    with pacs("PACS", "SEGWATCH") as port:
        assert [each.state for each in all_of({"PACS": f"PACS@127.0.0.1:{port}"}, "pacs")] == ["ok", "ok"]


def test_a_missing_policy_is_found(tmp_path: Path):
    is_fault(policy({"POLICY": str(tmp_path / "policy.yaml")}), "policy", "there is no file")
    is_fault(policy({"AUDIT_LOG": "/audit.jsonl"}), "policy", "not set")


def test_a_loose_policy_is_found(tmp_path: Path):
    file = tmp_path / "policy.yaml"
    file.write_text("version: '1'\nepsilon_count: 8\n")
    is_fault(policy({"POLICY": str(file)}), "policy", "epsilon_count")
    assert policy({"POLICY": str(POLICIES / "default.yaml")}).state == "ok"
    noise = {"POLICY": str(POLICIES / "demo.yaml"), "DEMO_NOISE_SEED": "1"}
    is_fault(policy(noise), "policy", "DEMO_NOISE_SEED")


@pytest.mark.parametrize(
    ("names", "centre", "word"),
    [
        ({"ingest": "hospital-a", "scoring": "hospital-b"}, None, "several names"),
        ({"ingest": "Hospital A"}, None, "no site's name"),
        ({"ingest": "hospital-a"}, "hospital-b", "certificate says hospital-b"),
        ({"ingest": None}, None, "no settings name"),
    ],
)
def test_a_wrong_site_name_is_found(names: dict[str, str | None], centre: str | None, word: str):
    is_fault(site(names, centre), "site", word)


def test_a_prometheus_that_does_not_scrape_us_is_found():
    targets = {"data": {"activeTargets": [{"labels": {"job": "ingest"}, "health": "down"}]}}
    nobody = {"data": {"activeAlertmanagers": []}}
    pages = {"/api/v1/targets": targets, "/api/v1/alertmanagers": nobody}
    with web_page({path: json.dumps(page).encode() for path, page in pages.items()}) as url:
        missing, down, deaf = prometheus(url, ["ingest", "scoring"])
    is_fault(missing, "prometheus", "does not scrape scoring")
    is_fault(down, "prometheus", "ingest in vain")
    is_fault(deaf, "alertmanager", "knows no Alertmanager")


def test_one_of_two_targets_that_is_down_is_found_and_one_that_was_not_scraped_is_not_well():
    page = [{"labels": {"job": "ingest"}, "health": each} for each in ("down", "up")]
    with prometheus_of(page) as url:
        is_fault(*prometheus(url, ["ingest"]), "prometheus", "ingest in vain")
    with prometheus_of([{"labels": {"job": "ingest"}, "health": "unknown"}]) as url:
        assert [each.state for each in prometheus(url, ["ingest"])] == ["unknown"]
    assert [each.state for each in prometheus(url, [])] == ["unknown"]


def prometheus_of(targets: list[dict[str, object]]) -> AbstractContextManager[str]:
    pages = {
        "/api/v1/targets": {"data": {"activeTargets": targets}},
        "/api/v1/alertmanagers": {"data": {"activeAlertmanagers": [{"url": "http://a"}]}},
    }
    return web_page({path: json.dumps(page).encode() for path, page in pages.items()})


def test_each_services_own_certificate_and_secret_is_looked_at(authority: Authority, tmp_path: Path):
    given = {
        "ingest": {"KAFKA_CERT_FILE": str(tmp_path / "ingest.crt"), "STOW_TOKEN_FILE": str(tmp_path / "a")},
        "scoring": {
            "KAFKA_CERT_FILE": str(authority.issue("scoring").certificate),
            "KAFKA_PASSWORD_FILE": str(tmp_path / "b"),
        },
    }
    found = [
        each
        for check in server_checks(given, Circumstances())
        if check.name in ("certificate", "secret")
        for each in findings_of(check)
    ]
    assert [(each.check, each.state) for each in found] == [
        ("certificate", "fault"),
        ("certificate", "ok"),
        ("secret", "fault"),
        ("secret", "fault"),
    ]


def test_a_time_server_whose_own_clock_is_not_set_says_nothing():
    with time_server(ahead=0, stratum=16) as port:
        assert [each.state for each in clock([f"127.0.0.1:{port}"], [])] == ["unknown"]


def test_an_alertmanager_that_is_away_is_found():
    is_fault(alertmanager(f"http://127.0.0.1:{shut_port()}"), "alertmanager", "is not reached")
    with web_page({"/-/ready": b"OK"}) as url:
        assert alertmanager(url).state == "ok"


OURS = {
    "kind": "PodMonitor",
    "metadata": {"name": "segwatch", "namespace": "segwatch", "labels": {"team": "ct"}},
}


@pytest.mark.parametrize(
    ("spec", "state"),
    [
        ({"podMonitorSelector": {}, "podMonitorNamespaceSelector": {}}, "ok"),
        ({"podMonitorSelector": {}}, "fault"),  # its own namespace only
        ({"podMonitorNamespaceSelector": {}}, "fault"),  # no selector takes nothing
        (
            {"podMonitorSelector": {"matchLabels": {"release": "x"}}, "podMonitorNamespaceSelector": {}},
            "fault",
        ),
        (
            {
                "podMonitorSelector": {
                    "matchExpressions": [{"key": "team", "operator": "In", "values": ["ct"]}]
                },
                "podMonitorNamespaceSelector": {"matchLabels": {"watched": "yes"}},
            },
            "ok",
        ),
    ],
)
def test_an_operators_prometheus_that_does_not_pick_us_up_is_found(spec: dict[str, object], state: str):
    server = {"metadata": {"name": "main", "namespace": "monitoring"}, "spec": spec}

    found = picked_up([server], "podMonitor", OURS, {"segwatch": {"watched": "yes"}})

    assert found.state == state
    assert picked_up([], "podMonitor", OURS, {}).state == "fault"


def test_a_cluster_in_which_nobody_is_told_is_found():
    named = [{"metadata": {"name": "main"}, "spec": {"alerting": {"alertmanagers": [{"name": "am"}]}}}]
    there = [{"metadata": {"name": "am"}, "status": {"availableReplicas": 1}}]
    assert tells_somebody(named, there).state == "ok"
    for servers, managers in (
        (named, []),
        ([{**named[0], "spec": {}}], there),
        (named, [{"metadata": {"name": "am"}}]),
    ):
        assert tells_somebody(servers, managers).state == "fault"


def test_what_could_not_be_looked_at_is_never_well():
    def breaks() -> list[Finding]:
        raise OSError("no such device")

    assert [each.state for each in findings_of(Check("disk", breaks))] == ["unknown"]
    assert [each.state for each in findings_of(Check("disk", list))] == ["unknown"]
    assert exit_code([ok("a", "b"), unknown("c", "d", "e")]) == 2
    assert exit_code([]) == 2


def test_settings_are_read_as_systemd_has_them(tmp_path: Path):
    (tmp_path / "common.env").write_text("# all\nSEGWATCH_SITE=hospital-a\nHOME=/tmp\n")
    (tmp_path / "ingest.env").write_text("SEGWATCH_INBOX='/srv/in box'\nSEGWATCH_PACS=\n")

    assert environments([tmp_path]) == {"ingest": {"SITE": "hospital-a", "INBOX": "/srv/in box"}}


def looked_at(settings: dict[str, str], check: str) -> Finding:
    return all_of(settings, check)[0]


def all_of(settings: dict[str, str], check: str) -> list[Finding]:
    """What the server's check of this name finds with the settings."""
    checks = {each.name: each for each in reversed(server_checks({"ingest": settings}, Circumstances()))}
    return findings_of(checks[check])


class pacs:  # noqa: N801 - used as a function
    """A PACS that answers C-ECHO to one calling title, or to everybody."""

    def __init__(self, title: str, knows: str) -> None:
        self._entity = AE(ae_title=title)
        self._entity.require_called_aet = True
        self._entity.require_calling_aet = [knows] if knows else []
        self._entity.add_supported_context(VERIFICATION)

    def __enter__(self) -> int:
        self._server = self._entity.start_server(("127.0.0.1", 0), block=False)
        return int(self._server.server_address[1])

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
