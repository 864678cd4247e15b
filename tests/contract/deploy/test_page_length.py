"""Every alert's page, as Prometheus renders it, fits eight lines, and says what to do first: it is read at
night, on a phone.

promtool's unit tests let each alert fire. Here they expect none, and promtool says what it got instead. Their
names are short; here they are as long as real ones.
"""

import json
import re
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.machine.binaries import PROMTOOL, find

ROOT = Path(__file__).resolve().parents[3]
RULES = ROOT / "deploy" / "rules"
MOST_LINES = 8
COLUMNS = 80
SINCE = " (since 2026-11-28 07:45 UTC)"
"""Behind a mail's summary."""
LINKS = 2
"""Where to look, and what to do: a line each."""
AS_LONG_AS_REAL = {
    r'\bsite="([^"]+)"': r'site="\1-university-hospital"',
    r'\btopic="t"': 'topic="segwatch.study.segmented.v1"',
    r'\binstance="([^"]+)"': r'instance="10.244.17.213:8080-\1"',
}
GO_STRING = r'"((?:[^"\\]|\\.)*)"'
ALERTS = sorted(
    rule["alert"]
    for file in RULES.glob("*.yaml")
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
)


def expecting_nothing(file: Path) -> dict[str, Any]:
    """The unit tests of a file, each asked for all alerts at all of its times."""
    # All as text: 0x70 is a series of seventy zeros here, and would be a number.
    content = yaml.load(file.read_text(), Loader=yaml.BaseLoader)
    content["rule_files"] = [str((file.parent / each).resolve()) for each in content["rule_files"]]
    named = {alert for path in content["rule_files"] for alert in ALERTS if alert in Path(path).read_text()}
    for test in content["tests"]:
        asked = [*test.pop("promql_expr_test", []), *test.pop("alert_rule_test", [])]
        times = sorted({each["eval_time"] for each in asked if told_of_alerts(each)})
        test["alert_rule_test"] = [
            {"eval_time": time, "alertname": alert, "exp_alerts": []}
            for time in times
            for alert in sorted(named)
        ]
    content["tests"] = [test for test in content["tests"] if test["alert_rule_test"]]
    return content


def with_long_names(text: str) -> str:
    for short, long in AS_LONG_AS_REAL.items():
        text = re.sub(short, long, text)
    return text


def told_of_alerts(asked: dict[str, Any]) -> bool:
    return bool(asked.get("exp_alerts")) or (
        "ALERTS" in asked.get("expr", "") and bool(asked.get("exp_samples"))
    )


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, str]]]:
    """The annotations of every alert that fires in the unit tests."""
    promtool = find(PROMTOOL)
    if promtool is None:
        pytest.skip("promtool is neither in .build/bin nor on the PATH: `make setup` fetches it")
    found: dict[str, list[dict[str, str]]] = {}
    for file in sorted((RULES / "tests").glob("*.yaml")):
        path = tmp_path_factory.mktemp("tests") / file.name
        path.write_text(with_long_names(yaml.safe_dump(expecting_nothing(file), width=10_000)))
        said = subprocess.run([promtool, "test", "rules", path], capture_output=True, text=True, check=False)
        for labels, annotations in re.findall(
            r"Labels:\{(.*?)\}\s*Annotations:\{(.*)\}", said.stdout + said.stderr
        ):
            (name,) = re.findall(rf"alertname={GO_STRING}", labels)
            texts = re.findall(rf"(\w+)={GO_STRING}", annotations)
            found.setdefault(name, []).append({key: json.loads(f'"{text}"') for key, text in texts})
    return found


@pytest.mark.slow
@pytest.mark.parametrize("alert", ALERTS)
def test_a_page_fits_eight_lines_and_has_nothing_left_open(
    pages: dict[str, list[dict[str, str]]], alert: str
) -> None:
    assert pages.get(alert), "no unit test lets it fire"
    for page in pages[alert]:
        lines = [
            *textwrap.wrap(page["summary"] + SINCE, COLUMNS),
            *textwrap.wrap(page["description"], COLUMNS),
        ]

        assert len(lines) + LINKS <= MOST_LINES, "\n".join(lines)
        assert "First: " in page["description"] or alert == "SegwatchWatchdog"
        for broken in ("<no value>", "%!", "<error", "{{", "NaN"):
            assert broken not in page["summary"] + page["description"]
