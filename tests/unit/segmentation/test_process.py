"""The service as a process of its own, on the embedded log."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from segwatch.contracts.envelope import decode
from segwatch.contracts.topics import RECEIVED, SEGMENTED, dead_letters
from segwatch.streaming.embedded.log import EmbeddedLog
from segwatch.streaming.log import outgoing
from tests.support.folders import made

ROOT = Path(__file__).parents[3]
PATIENCE_SECONDS = 120


@pytest.fixture
def start(tmp_path):
    """Starts the service on the store and the log that the test uses; ends what is left of it."""
    running = []

    def starting(**more: str) -> subprocess.Popen:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SEGWATCH_")}
        environment |= {
            "PYTHONPATH": str(ROOT),
            "SEGWATCH_LOG": "embedded",
            "SEGWATCH_LOG_FILE": str(tmp_path / "log.db"),
            "SEGWATCH_STORE": str(made(tmp_path / "store")),
            "SEGWATCH_HTTP_PORT": "0",
            **more,
        }
        command = [sys.executable, "-m", "services.segmentation"]
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        running.append(process)
        return process

    yield starting
    for process in running:
        process.kill()
        process.communicate()


def first_record(log: EmbeddedLog, topic: str):
    until = time.monotonic() + PATIENCE_SECONDS
    with log.reader([topic]) as reader:
        while time.monotonic() < until:
            if records := reader.poll(1.0):
                return records[0]
    raise AssertionError(f"nothing came to {topic}")


def test_a_study_goes_through_the_process_and_it_stops_cleanly(start, embedded_log, received):
    embedded_log.create_topics({RECEIVED: 1, dead_letters(RECEIVED): 1, SEGMENTED: 1})
    with embedded_log.producer() as producer:
        producer.send([outgoing(RECEIVED, received(lesion=True))])
        producer.send([outgoing(RECEIVED, received(event_id="f" * 32))])
    process = start()
    record = first_record(embedded_log, SEGMENTED)
    made = decode(SEGMENTED, record.key, record.value, record.headers)
    assert (made.data.lesion_source, made.data.lung_method) == ("given", "classical")
    letter = first_record(embedded_log, dead_letters(RECEIVED))
    assert dict(letter.headers)["dlq_error"] == b"no_lesion_model"
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_SECONDS) == 0


def test_a_broken_manifest_keeps_the_process_from_starting(start, tmp_path):
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "manifest.json").write_text('{"format": 1, "name": "x", "made_with": {}, "files": {"a": 1}}')
    process = start(SEGWATCH_LESION_MODEL=str(bundle))
    _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 2
    assert "manifest.json is no bundle's manifest" in said
