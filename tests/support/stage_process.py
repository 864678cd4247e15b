"""A stage as a process of its own, with faults on demand: `python -m tests.support.stage_process`."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segwatch.contracts.envelope import Event
from segwatch.streaming.kafka.consumer import KafkaConsumer
from segwatch.streaming.log import Position
from segwatch.streaming.runtime import Runtime, main
from segwatch.streaming.settings import ServiceSettings
from segwatch.streaming.stage import Stage, run_stage
from tests.support.streaming import QUICK, READS, WRITES, scored


def start_stage(settings: Mapping[str, str], output: Path) -> "subprocess.Popen[bytes]":
    """Start it with these variables beside those of this process; its log lines go to the file."""
    command = [sys.executable, "-m", "tests.support.stage_process"]
    with output.open("wb") as lines:
        return subprocess.Popen(command, env={**os.environ, **settings}, stdout=lines, stderr=lines)


class FaultySettings(ServiceSettings):
    """How the stage misbehaves."""

    name: str = "scoring"
    work_seconds: float = 0.0
    begun_file: Path | None = None
    dies_before_commit: bool = False


def run(runtime: Runtime[FaultySettings]) -> None:
    settings = runtime.settings

    def work(event: Event[Any]) -> Sequence[Event[Any]]:
        if settings.begun_file is not None:
            settings.begun_file.touch()
        time.sleep(settings.work_seconds)
        return [scored(event)]

    if settings.dies_before_commit:
        KafkaConsumer.commit = _die  # type: ignore[method-assign] # a power cut at the worst moment
    run_stage(Stage(settings.name, [READS], work, writes=[WRITES]), runtime, QUICK)


def _die(_consumer: KafkaConsumer, _after: Position) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main("scoring", FaultySettings, run))
