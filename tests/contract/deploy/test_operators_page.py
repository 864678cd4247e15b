"""The operators' page names every setting, every line of the edited files, and every alert."""

import re

import pytest
import yaml

from segwatch.streaming.settings import ServiceSettings
from tests.support.service_settings import SERVICES, settings_of, shown_default

ROW = re.compile(r"^\| `([A-Z0-9_]+)` \| ([a-z, ]+) \| (.*?) ?\| .*\|$", re.MULTILINE)


@pytest.fixture
def page(root):
    return (root / "docs/operators.md").read_text()


def test_the_settings_table_is_that_of_the_classes(page):
    expected = {}
    for service in SERVICES:
        for name, field in settings_of(service).model_fields.items():
            common = name in ServiceSettings.model_fields
            services, _ = expected.get(name.upper(), ([], None))
            expected[name.upper()] = (["all"] if common else [*services, service], shown_default(field))

    written = {name: (services.split(", "), default.strip()) for name, services, default in ROW.findall(page)}

    assert written == expected


@pytest.mark.parametrize("overlay", ["hospital"])
def test_every_line_of_the_edited_file_is_explained(page, root, overlay):
    text = (root / "k8s/overlays" / overlay / f"{overlay}.env").read_text()

    for name in re.findall(r"^([A-Z0-9_]+)=", text, re.MULTILINE):
        assert f"`{name}`" in page.split("## The centre")[0], name


def test_every_alert_is_listed_with_its_severity_and_runbook(page, root):
    alerts = {}
    for path in (root / "deploy/rules").glob("*.yaml"):
        for group in yaml.safe_load(path.read_text())["groups"]:
            alerts |= {
                rule["alert"]: rule["labels"]["severity"] for rule in group["rules"] if "alert" in rule
            }

    listed = dict(re.findall(r"^\| \[(\w+)\]\(\.\./deploy/runbooks/\1\.md\) \| (\w+) \|", page, re.MULTILINE))

    assert listed == alerts
