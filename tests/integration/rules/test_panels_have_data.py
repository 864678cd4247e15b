"""Every panel, proven without Grafana: its expressions are asked of a real Prometheus that runs the rules."""

import json
import math
import subprocess
import time
from urllib.parse import urlencode

import pytest

from deploy.dashboards.__main__ import rendered
from deploy.local.machine.binaries import PROMETHEUS, PROMTOOL, find
from deploy.local.machine.folders import RULES
from deploy.local.machine.loopback_http import get_json
from deploy.local.machine.supervisor import running
from deploy.local.machine.waiting import comes_true
from deploy.local.stack.prometheus import Prometheus, Target, configuration
from tests.support.metric_names import panels_of, substituted
from tests.support.sample_exporter import SampleExporter, past

DEADLINE_SECONDS = 60


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    """A Prometheus with the rules of both sides, and half an hour's data of what they ask of a while ago."""
    binary = find(PROMETHEUS)
    if binary is None:
        pytest.skip("prometheus is neither in .build/bin nor on the PATH: `make setup` fetches it")
    with SampleExporter() as exporter:
        targets = [
            Target("aggregation", exporter.address, "hospital-a"),
            Target("federation", exporter.address),
        ]
        config = configuration(targets, [RULES / "*.yaml"], every="1s", alertmanager=None)
        folder = tmp_path_factory.mktemp("prometheus")
        server = Prometheus("prometheus", binary, folder, config)
        before = folder / "past.txt"
        before.write_text(past(time.time()))
        blocks = [find(PROMTOOL), "tsdb", "create-blocks-from", "openmetrics", before, folder / "data"]
        subprocess.run(blocks, check=True, capture_output=True)
        with running(server):
            yield server


def samples(server, expression):
    """The finite values that the expression has now."""
    answer = get_json(server.port, f"/api/v1/query?{urlencode({'query': expression})}")
    values = [float(each["value"][1]) for each in answer["data"]["result"]] if answer else []
    return [value for value in values if math.isfinite(value)]


def empty(server, expressions):
    return [expression for expression in expressions if not samples(server, expression)]


def wait_for(server, expressions):
    """Those of the expressions that have no data even when the rules have had their time."""
    comes_true(lambda: not empty(server, expressions), DEADLINE_SECONDS, 1)
    return empty(server, expressions)


@pytest.mark.slow
@pytest.mark.parametrize("board", sorted(rendered()))
def test_no_panel_is_without_data(prometheus, board):
    expressions = [substituted(target["expr"]) for _, targets in panels_of(board) for target in targets]

    assert len(expressions) >= 5
    assert wait_for(prometheus, expressions) == []


@pytest.mark.slow
def test_the_page_fires_in_a_real_prometheus(prometheus):
    firing = 'ALERTS{alertname="SegwatchQualityDrop",alertstate="firing",site="hospital-a",severity="page"}'

    assert wait_for(prometheus, [firing]) == []


@pytest.mark.slow
def test_no_rule_fails_to_be_evaluated(prometheus):
    wait_for(prometheus, ["site:segwatch_needs_attention:ratio"])

    groups = get_json(prometheus.port, "/api/v1/rules")["data"]["groups"]

    assert groups
    assert [rule["name"] for group in groups for rule in group["rules"] if rule["health"] == "err"] == []


@pytest.mark.slow
def test_an_expression_without_data_would_be_noticed(prometheus):
    nothing = 'segwatch_federation_pulses{site="hospital-z"}'
    wait_for(prometheus, ["segwatch_federation_pulses"])

    assert empty(prometheus, [nothing]) == [nothing], json.dumps(get_json(prometheus.port, "/api/v1/targets"))
