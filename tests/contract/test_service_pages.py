"""Each service's page says what its code has: topics, settings and metrics."""

import re
from pathlib import Path

import pytest

from segwatch.streaming.access import HOSPITAL, centre
from segwatch.streaming.settings import ServiceSettings
from tests.support.service_metrics import of_every_service, service_metrics
from tests.support.service_settings import SERVICES, settings_of, shown_default

ROOT = Path(__file__).resolve().parents[2]
SETTING = re.compile(r"^\| `SEGWATCH_([A-Z0-9_]+)` \| (.*?) ?\| .+ \|$", re.MULTILINE)
METRIC = re.compile(r"^\| `(segwatch_\w+)(?:\{[\w,]+\})?` \| (\w+) \| (.+) \|$", re.MULTILINE)


ACCESS = {**HOSPITAL, **centre(["SITE"])}


def page(service: str) -> str:
    return (ROOT / "services" / service / "README.md").read_text()


def topics(service: str, verb: str) -> set[str]:
    (item,) = re.findall(rf"^- \*\*{verb}\*\* (.*(?:\n  .*)*)", page(service), re.MULTILINE)
    return {word for word in re.findall(r"`([^`]+)`", item) if "segwatch." in word}


@pytest.mark.parametrize("service", SERVICES)
def test_the_topics_are_those_that_the_service_has_rights_to(service: str):
    assert topics(service, "Reads") == set(ACCESS[service].reads)
    assert topics(service, "Writes") == set(ACCESS[service].writes)


@pytest.mark.parametrize("service", SERVICES)
def test_the_settings_are_those_of_the_class(service: str):
    fields = settings_of(service).model_fields
    own = {name.upper(): field for name, field in fields.items() if name not in ServiceSettings.model_fields}

    assert SETTING.findall(page(service)) == [(name, shown_default(field)) for name, field in own.items()]


@pytest.mark.parametrize("service", SERVICES)
def test_the_metrics_are_those_that_prometheus_sees(service: str):
    assert METRIC.findall(page(service)) == service_metrics(service)


def test_the_metrics_of_every_service_are_shown_once():
    assert METRIC.findall((ROOT / "docs/delivery.md").read_text()) == of_every_service()
