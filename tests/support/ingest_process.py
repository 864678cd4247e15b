"""`python -m services.ingest` as a process of its own, on a log and folders of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.machine.loopback_http import is_ok
from segwatch.contracts.topics import RECEIVED, dead_letters
from segwatch.streaming.embedded.log import EmbeddedLog
from tests.support.folders import made
from tests.support.streaming import eventually

ROOT = Path(__file__).parents[2]
SECRET = "a secret of enough bytes"
COMMAND = (sys.executable, "-m", "services.ingest")
READY_SECONDS = 90.0


def ingest_environment(folder: Path, **given: object) -> dict[str, str]:
    """Of an ingest that keeps everything in `folder`; `given` are its further settings, the only ones."""
    (folder / "secret").write_text(SECRET)
    settings: dict[str, object] = {
        "LOG": "embedded",
        "LOG_FILE": folder / "log.db",
        "HTTP_HOST": "127.0.0.1",
        "INBOX": folder / "inbox",
        "STORE": made(folder / "store"),
        "PSEUDONYM_SECRET_FILE": folder / "secret",
        "MIN_FREE_MB": 0,
        **given,
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SEGWATCH_")}
    return inherited | {f"SEGWATCH_{name}": str(value) for name, value in settings.items()}


def make_topics(folder: Path) -> None:
    """What ingest waits for in the folder's log."""
    with EmbeddedLog(folder / "log.db") as log:
        log.create_topics({RECEIVED: 1, dead_letters(RECEIVED): 1})


@contextmanager
def ingest_process(folder: Path, http_port: int, **given: object) -> Iterator["subprocess.Popen[bytes]"]:
    """One that is ready; its lines go to `ingest.log`."""
    environment = ingest_environment(folder, HTTP_PORT=http_port, **given)
    make_topics(folder)
    with (folder / "ingest.log").open("wb") as lines:
        process = subprocess.Popen(COMMAND, cwd=ROOT, env=environment, stdout=lines, stderr=lines)
    try:
        eventually(lambda: is_ok(http_port, "/readyz"), READY_SECONDS)
        yield process
    finally:
        process.terminate()
        process.wait(30)
