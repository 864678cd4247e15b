"""What the centre's rules take of Prometheus once it remembers weeks: processor seconds of an evaluation.

`python -m benchmarks.centre_rules` writes as many weeks of the series that rules look far back on as
the longest looks, at the shipped interval, and lets a real Prometheus evaluate the shipped rules on them.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from deploy.alerting.rules import rule_file
from deploy.local.machine.binaries import PROMETHEUS, PROMTOOL, find
from deploy.local.machine.supervisor import running
from deploy.local.stack.prometheus import Prometheus, configuration

EVERY_SECONDS = 15
DAYS = 28
SERIES = (
    "segwatch_federation_pulses",
    "site:segwatch_federation_pulses:max",
    "site:segwatch_federation_epoch:max",
)
"""What is looked back on for more than a day."""
PULSES_A_DAY = 25
EVALUATIONS = 4


def history(sites: int, until: float) -> Iterator[str]:
    """The series in OpenMetrics' text, each sample with its time."""
    first, step = int(until) - DAYS * 86_400, EVERY_SECONDS
    for name in SERIES:
        yield f"# TYPE {name} gauge\n"
        for site in range(sites):
            for at in range(first, int(until), step):
                value = 1 if "epoch" in name else (at - first) * PULSES_A_DAY // 86_400
                yield f'{name}{{site="hospital-{site:04d}"}} {value} {at}\n'
    yield "# EOF\n"


def measure(sites: int, folder: Path) -> dict[str, float]:
    """Fill a Prometheus, and take its processor time over a few evaluations."""
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
        time.sleep(EVERY_SECONDS + 10)
        process = psutil.Process(program.child.pid)
        before = process.cpu_times()
        time.sleep(EVALUATIONS * EVERY_SECONDS)
        after = process.cpu_times()
        took = after.user + after.system - before.user - before.system
        return {
            "sites": sites,
            "processor_an_evaluation": round(took / EVALUATIONS, 3),
            "memory_mb": round(program.child.memory() / 2**20),
        }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, nargs="+", default=[4])
    for number in parser.parse_args().sites:
        with tempfile.TemporaryDirectory() as name:
            print(json.dumps(measure(number, Path(name))), flush=True)
