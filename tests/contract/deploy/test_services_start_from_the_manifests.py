"""Every service's settings start from the rendered ConfigMaps and Secret keys, as in its pod."""

import os
from functools import partial

import pytest

from segwatch.errors import BadSettings
from segwatch.streaming.settings import ConnectionSettings, load_settings
from tests.support.service_settings import SERVICES, settings_of, use_environment

OF_A_KAFKA_USER = {"ca.crt", "user.crt", "user.key", "user.p12", "user.password"}
SECRETS = {
    # Strimzi makes these.
    "log-cluster-ca-cert": {"ca.crt", "ca.p12", "ca.password"},
    **dict.fromkeys(SERVICES, OF_A_KAFKA_USER),
    "bridge": OF_A_KAFKA_USER,
    "operator": OF_A_KAFKA_USER,
    "backup": OF_A_KAFKA_USER,
    # The hospital makes these (docs/operators.md).
    "ingest-secrets": {"pseudonym-secret", "stow-token"},
    "ingest-doors": {"tls.crt", "tls.key", "ca.crt"},
    "centre-access": {"ca.crt", "user.pem"},
}
A_SECRET = "0123456789abcdef0123456789abcdef"


class Pod:
    """A service's pod, with its volumes laid out in a folder."""

    def __init__(self, manifests, service, folder):
        (workload,) = (
            each
            for each in manifests
            if each["kind"] in {"Deployment", "StatefulSet", "CronJob"}
            and each["metadata"]["name"] == service
        )
        self._maps = {
            each["metadata"]["name"]: each["data"] for each in manifests if each["kind"] == "ConfigMap"
        }
        made = workload["spec"].get("jobTemplate", workload)["spec"]
        self._spec = made["template"]["spec"]
        (self._container,) = self._spec["containers"]
        self._folder = folder
        self._volumes = {volume["name"]: volume for volume in self._spec["volumes"]}
        self.mounts = [mount["mountPath"] for mount in self._container["volumeMounts"]]
        for mount in self._container["volumeMounts"]:
            self._fill(self._volumes[mount["name"]], folder / mount["mountPath"].lstrip("/"))

    def _fill(self, volume, folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self._files(volume).items():
            (folder / name).write_text(text)

    def _files(self, volume):
        if "configMap" in volume:
            return self._maps[volume["configMap"]["name"]]
        if "secret" not in volume:
            return {}
        keys = SECRETS[volume["secret"]["secretName"]]
        items = volume["secret"].get("items") or [{"key": key, "path": key} for key in keys]
        assert {item["key"] for item in items} <= keys, volume
        return {item["path"]: A_SECRET for item in items}

    def told(self):
        """The environment as the manifests give it."""
        told = {}
        for source in self._container["envFrom"]:
            told |= self._maps[source["configMapRef"]["name"]]
        return told | {each["name"]: each.get("value", "pod-0") for each in self._container["env"]}

    def environment(self):
        """The same, with paths moved into the folder."""
        return {
            name: str(self._folder / value.lstrip("/")) if value.startswith("/") else value
            for name, value in self.told().items()
            if name.startswith("SEGWATCH_")
        }


@pytest.fixture
def environment(monkeypatch):
    return partial(use_environment, monkeypatch)


@pytest.fixture(params=SERVICES)
def pod(request, rendered, tmp_path):
    overlay = "central" if request.param == "federation" else "hospital"
    return request.param, Pod(rendered(overlay), request.param, tmp_path)


def test_the_settings_load(pod, environment):
    service, made = pod
    environment(made.environment())

    settings = load_settings(settings_of(service))

    assert settings.kafka_security == "SSL"
    assert settings.member == "pod-0"


def test_every_path_that_a_service_is_told_lies_in_a_volume(pod):
    _, made = pod
    paths = {name: value for name, value in made.told().items() if value.startswith("/") and name != "HOME"}

    assert paths
    for name, path in paths.items():
        assert any(path == mount or path.startswith(f"{mount}/") for mount in made.mounts), (name, path)


def test_every_file_that_a_service_is_told_is_there(pod):
    _, made = pod

    for name, value in made.environment().items():
        if value and (name.endswith("_FILE") or name == "SEGWATCH_POLICY"):
            assert os.path.isfile(value), (name, value)  # noqa: PTH113 - the value is what a service would open


def test_an_unknown_setting_would_be_refused(pod, environment):
    service, made = pod
    environment({**made.environment(), "SEGWATCH_STOER": "/x"})

    with pytest.raises(BadSettings, match="SEGWATCH_STOER"):
        load_settings(settings_of(service))


def test_a_missing_setting_would_be_refused(pod, environment):
    service, made = pod
    kind = settings_of(service)
    required = [
        f"SEGWATCH_{name.upper()}" for name, field in kind.model_fields.items() if field.is_required()
    ]

    for name in (*required, "SEGWATCH_KAFKA_BOOTSTRAP", "SEGWATCH_KAFKA_CA_FILE"):
        environment({other: value for other, value in made.environment().items() if other != name})
        with pytest.raises(BadSettings, match=name.removeprefix("SEGWATCH_")):
            load_settings(kind)


def test_the_operators_command_finds_the_log_and_the_inbox(rendered, tmp_path, environment):
    made = Pod(rendered("hospital"), "operator", tmp_path)
    environment(made.environment())

    settings = load_settings(ConnectionSettings, strangers=True)

    assert settings.kafka_cert_file is not None
    assert (tmp_path / "var/lib/segwatch/inbox").is_dir()


@pytest.mark.parametrize("job", ["backup", "restore"])
def test_the_jobs_that_copy_and_put_back_find_the_log_and_their_claim(rendered, tmp_path, environment, job):
    made = Pod(rendered("hospital"), job, tmp_path)
    environment(made.environment())

    assert load_settings(ConnectionSettings, strangers=True).kafka_cert_file is not None
    assert (tmp_path / "backups").is_dir()
    (found,) = (
        each
        for each in rendered("hospital")
        if each["metadata"]["name"] == job and "schedule" in each["spec"]
    )
    assert found["spec"].get("suspend", False) is (job == "restore")
    container = found["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    others = next(
        e
        for e in rendered("hospital")
        if e["metadata"]["name"] == "aggregation" and e["kind"] == "StatefulSet"
    )
    assert container["image"] == others["spec"]["template"]["spec"]["containers"][0]["image"]
