"""What the centre's rules go through in Prometheus once it remembers weeks: samples an evaluation.

`python -m benchmarks.centre_rules` writes as many weeks of the series that rules look far back on as
the longest looks, at the shipped interval, and lets a real Prometheus evaluate the shipped rules on them.
"""

import argparse
import json
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from deploy.alerting.rules import rule_file
from deploy.local.machine.binaries import PROMETHEUS, PROMTOOL, find
from deploy.local.machine.supervisor import running
from deploy.local.stack.prometheus import Prometheus, configuration

EVERY_SECONDS = 15
DAYS = 28
SERIES = {
    "segwatch_federation_pulses": EVERY_SECONDS,
    "site:segwatch_federation_pulses:max": EVERY_SECONDS,
    "site:segwatch_federation_epoch:max": EVERY_SECONDS,
    "site:segwatch_federation_pulses:max10m": 600,
}
"""What is looked back on for more than a day, and the seconds between its samples."""
PULSES_A_DAY = 25


def history(sites: int, until: float) -> Iterator[str]:
    """The series in OpenMetrics' text, each sample with its time."""
    first = int(until) - DAYS * 86_400
    for name, step in SERIES.items():
        yield f"# TYPE {name} gauge\n"
        for site in range(sites):
            for at in range(first, int(until), step):
                value = 1 if "epoch" in name else (at - first) * PULSES_A_DAY // 86_400
                yield f'{name}{{site="hospital-{site:04d}"}} {value} {at}\n'
    yield "# EOF\n"


def measure(sites: int, folder: Path) -> dict[str, int]:
    """Fill a Prometheus, and ask it each rule's expression."""
    promtool, prometheus = find(PROMTOOL), find(PROMETHEUS)
    assert promtool, "promtool is not on this machine: `make setup`"
    assert prometheus, "Prometheus is not on this machine: `make setup`"
    text, rules = folder / "history.txt", folder / "centre.yaml"
    with text.open("w") as file:
        file.writelines(history(sites, time.time()))
    blocks = [
        str(promtool),
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        "--quiet",
        "--max-block-duration=24h",
    ]
    subprocess.run([*blocks, str(text), str(folder / "prometheus" / "data")], check=True)
    text.unlink()
    rules.write_text(json.dumps(rule_file("centre")))
    config = configuration([], [rules], every=f"{EVERY_SECONDS}s", alertmanager=None)
    program = Prometheus("prometheus", prometheus, folder / "prometheus", config, retention="60d")
    with running(program):
        time.sleep(EVERY_SECONDS + 5)
        read = sum(
            samples_of(program, rule["expr"])
            for group in rule_file("centre")["groups"]
            for rule in group["rules"]
        )
    return {"sites": sites, "samples_an_evaluation": read}


def samples_of(program: Prometheus, expression: str) -> int:
    """How many samples Prometheus goes through for it: the same on every machine, however busy."""
    asked = urllib.parse.urlencode({"query": expression, "stats": "all"})
    with urllib.request.urlopen(f"http://{program.address}/api/v1/query?{asked}", timeout=120) as answer:
        return int(json.load(answer)["data"]["stats"]["samples"]["totalQueryableSamples"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, nargs="+", default=[0, 1])
    for number in parser.parse_args().sites:
        with tempfile.TemporaryDirectory() as name:
            print(json.dumps(measure(number, Path(name))), flush=True)
