"""Images and the compose file: no engine runs here, so what can be known without one is checked."""

import re
import tomllib
from importlib.metadata import packages_distributions

import pytest
import yaml

from segwatch.streaming.settings import load_settings
from tests.support.imported import third_party
from tests.support.service_settings import SERVICES, settings_of, use_environment

HOSPITAL_SERVICES = {name for name in SERVICES if name != "federation"}


@pytest.fixture
def compose(root):
    return yaml.safe_load((root / "deploy/compose.yaml").read_text())


def dockerfile(root, service):
    return (root / "services" / service / "Dockerfile").read_text()


def test_every_service_has_an_image_and_every_image_a_service(root):
    images = {path.parent.name for path in (root / "services").glob("*/Dockerfile")}
    services = {path.parent.name for path in (root / "services").glob("*/__main__.py")}

    assert images == set(SERVICES)
    assert services <= images


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_installs_pinned_hashes_and_runs_its_service_as_nobody(root, service):
    text = dockerfile(root, service)
    last = text.split("\nFROM ")[-1]

    assert text.count("--require-hashes") == 2
    assert f"services/{service}/requirements.txt" in text
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert f'ENTRYPOINT ["python", "-m", "services.{service}"]' in last
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["${BUILDER}", "${BASE}"]
    assert dict(re.findall(r"^ARG (\w+)=(\S+)", text, re.MULTILINE)) == {
        "BUILDER": "python:3.11-slim",
        "BASE": "python:3.11-slim",
    }


@pytest.mark.parametrize("service", SERVICES)
def test_the_images_differ_in_nothing_but_their_service(root, service):
    def without_name(name):
        body = dockerfile(root, name).split("\n", 1)[1]
        return body.replace(name, "NAME")

    assert without_name(service) == without_name("features")


@pytest.mark.parametrize("service", SERVICES)
def test_only_segmentation_carries_torch(root, service):
    pinned = (root / "services" / service / "requirements.txt").read_text()

    assert "--hash=sha256:" in pinned
    assert bool(re.search(r"^torch==", pinned, re.MULTILINE)) == (service == "segmentation")


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_holds_every_package_that_its_service_imports(root, service):
    pinned = re.findall(
        r"^([\w.-]+)==", (root / "services" / service / "requirements.txt").read_text(), re.MULTILINE
    )
    installed = {_normal(name) for name in pinned}
    named = packages_distributions()
    missing = {
        module: file
        for module, file in third_party(root, f"services.{service}", f"services.{service}.__main__").items()
        if not installed & {_normal(name) for name in named[module]}
    }

    assert missing == {}


def _normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def copies(text):
    """(source, target) of everything that the steps take from the repository."""
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        *sources, target = line.split()
        yield from ((source, target) for source in sources)


@pytest.mark.parametrize("service", SERVICES)
def test_what_an_image_copies_is_sent_to_the_builder(root, service):
    sent = [line[1:] for line in (root / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [source for source, _ in copies(dockerfile(root, service))]

    assert "segwatch" in copied
    for source in copied:
        assert (root / source).exists(), source
        assert any(source == each or source.startswith(f"{each}/") for each in sent), source


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_runs_its_own_service_and_holds_no_other(root, service):
    last = dockerfile(root, service).split("\nFROM ")[-1]

    assert re.findall(r"^WORKDIR (.+)$", last, re.MULTILINE) == ["/app"]
    assert dict(copies(last)) == {
        "services/__init__.py": "/app/services/",
        f"services/{service}": f"/app/services/{service}",
    }


def test_the_wheel_that_images_install_is_the_library_alone(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())

    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["segwatch"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_settings_load_as_compose_gives_them(compose, service, monkeypatch, tmp_path):
    policy = tmp_path / "file"
    policy.write_text("0123456789abcdef0123456789abcdef")
    given = compose["services"][service]["environment"]
    told = {name: str(policy) if name.endswith("_FILE") else str(value) for name, value in given.items()}
    use_environment(monkeypatch, told)

    assert load_settings(settings_of(service)).kafka_bootstrap is not None


@pytest.mark.parametrize("service", SERVICES)
def test_services_run_read_only_and_without_capabilities(compose, service):
    container = compose["services"][service]

    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]


def test_compose_makes_the_topics_of_the_contracts(compose):
    """By the command itself, so from the same table as everywhere."""
    for place, arguments in (("hospital", []), ("centre", ["--site", "hospital-a"])):
        maker = compose["services"][f"topics-{place}"]
        assert (maker["entrypoint"], maker["command"]) == (["segwatch"], ["topics", "create", *arguments])
        assert maker["environment"]["SEGWATCH_KAFKA_BOOTSTRAP"] == f"kafka-{place}:9092"


def test_only_the_bridge_stands_in_a_hospitals_network_and_another(compose):
    networks = {name: set(each.get("networks", [])) for name, each in compose["services"].items()}

    assert {name for name, joined in networks.items() if "hospital" in joined and len(joined) > 1} == {
        "bridge"
    }
    assert all("hospital" in networks[name] for name in HOSPITAL_SERVICES)


def test_every_file_that_compose_mounts_or_builds_from_is_there(compose, root):
    for service in compose["services"].values():
        if "build" in service:
            context = root / "deploy" / service["build"]["context"]
            assert context.resolve() == root
            assert (context / service["build"]["dockerfile"]).is_file()
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (root / "deploy" / source).exists(), source


def test_prometheus_in_compose_names_jobs_and_sites_as_the_rules_expect(compose):
    hospital = yaml.safe_load(compose["configs"]["prometheus-hospital"]["content"])
    centre = yaml.safe_load(compose["configs"]["prometheus-centre"]["content"])
    jobs = {each["job_name"]: each["static_configs"][0] for each in hospital["scrape_configs"]}

    assert set(jobs) == HOSPITAL_SERVICES
    assert all(config["labels"] == {"site": "hospital-a"} for config in jobs.values())
    assert [each["job_name"] for each in centre["scrape_configs"]] == ["federation"]


def test_compose_gives_secrets_as_files_and_opens_plain_doors_to_this_machine_alone(compose):
    """A read-only container refuses what compose would copy into it, and C-STORE is not encrypted here."""
    assert all(set(secret) == {"file"} for secret in compose["secrets"].values())
    assert all(port.startswith("127.0.0.1:") for port in compose["services"]["ingest"]["ports"])


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_carries_the_compiled_code_that_its_service_runs(root, service):
    numba = "numba" in third_party(root, f"services.{service}", f"services.{service}.__main__")

    assert (root / "services" / service / "compiling.py").exists() == numba
    assert "NUMBA_CPU_NAME=generic" in dockerfile(root, service), "nobody knows where an image will run"
