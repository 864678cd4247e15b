"""Asked to stop: in the first seconds, and for how long a study in hand is given."""

import signal
import subprocess
import sys
from pathlib import Path

import yaml

from segwatch.streaming.stage_loop import StageTimes
from segwatch.streaming.stopping import CLOSING_SECONDS, GRACE_SECONDS, TERMINATION_SECONDS
from services.ingest.watch import InboxTimes

ROOT = Path(__file__).parents[3]
STARTING = """
from segwatch.streaming.stopping import heed
heed("__main__")
print("heeding", flush=True)
import time
time.sleep(60)  # as an import of torch would
"""


def test_a_sigterm_before_the_start_ends_the_process_at_once_and_in_order() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STARTING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "heeding\n"
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=50)
    assert process.returncode == 0
    assert "SIGTERM" in said


def test_every_service_heeds_it_before_its_other_imports() -> None:
    for main in (ROOT / "services").glob("*/__main__.py"):
        first = [
            line for line in main.read_text().splitlines() if line.startswith(("import", "from", "heed"))
        ]
        assert first[:2] == ["from segwatch.streaming.stopping import heed", first[1]], main
        assert first[1].startswith("heed(__name__)"), main


def test_the_grace_in_code_is_the_grace_in_the_manifests_and_in_compose() -> None:
    assert GRACE_SECONDS + CLOSING_SECONDS == TERMINATION_SECONDS
    assert StageTimes().grace == InboxTimes().grace == GRACE_SECONDS
    pod = yaml.safe_load((ROOT / "k8s/components/pods/pod.yaml").read_text())
    assert pod["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == TERMINATION_SECONDS
    for path in (ROOT / "k8s/components").rglob("*.yaml"):
        if path.parent.name not in {"pods", "operator", "plain-kafka"}:  # what no service is
            assert "terminationGracePeriodSeconds" not in path.read_text(), path
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
    assert compose["x-service"]["stop_grace_period"] == f"{TERMINATION_SECONDS // 60}m"
