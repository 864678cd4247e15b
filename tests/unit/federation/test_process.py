"""The service as its process runs it: from settings to metrics, and a clean end."""

import threading
import time
from pathlib import Path

from segwatch.contracts.topics import at_the_centre
from segwatch.streaming.embedded.log import EmbeddedLog
from segwatch.streaming.runtime import start
from services.federation.__main__ import run
from services.federation.settings import FederationSettings
from tests.support.releases import at_centre, pulse

PATIENCE_SECONDS = 30


def test_releases_become_metrics(tmp_path: Path, embedded_log: EmbeddedLog) -> None:
    embedded_log.create_topics({at_the_centre("hospital-a"): 1})
    settings = FederationSettings(log="embedded", log_file=tmp_path / "log.db", http_port=0, window_pulses=2)
    with embedded_log.producer() as producer, start("federation", settings) as runtime:
        thread = threading.Thread(target=run, args=(runtime,))
        thread.start()
        producer.send([at_centre("hospital-a", pulse(number, 4)) for number in range(4)])
        value = runtime.telemetry.registry.get_sample_value
        until = time.monotonic() + PATIENCE_SECONDS
        while value("segwatch_federation_pulses", {"site": "hospital-a"}) != 4:
            assert time.monotonic() < until, "the pulses did not come"
            time.sleep(0.02)
        assert value("segwatch_federation_needs_attention_ratio", {"site": "hospital-a"}) == 0.2
        assert value("segwatch_federation_window_studies", {"site": "hospital-a"}) == 40
        runtime.stop.set()
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()
