"""The service as its process runs it: from settings to a release in the log, and a clean end."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from segwatch.contracts.envelope import decode
from segwatch.contracts.topics import RELEASE, SCORED
from segwatch.errors import BadInput
from segwatch.streaming.embedded.log import EmbeddedLog
from segwatch.streaming.log import Record
from segwatch.streaming.runtime import AskedToStop, start
from services.aggregation.__main__ import TOPICS, run
from services.aggregation.settings import AggregationSettings
from tests.support.site_world import record_of, scored

POLICY = Path(__file__).parents[3] / "deploy" / "policy" / "demo.yaml"
PATIENCE_SECONDS = 30


def _settings(folder: Path, **more: object) -> AggregationSettings:
    told = {"site": "hospital-a", "log": "embedded", "log_file": folder / "log.db", "http_port": 0}
    own = {"policy": POLICY, "audit_log": folder / "audit.jsonl", "demo_noise_seed": 1}
    return AggregationSettings.model_validate({**own, **told, **more})


def _wait_for(what: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def _releases(log: EmbeddedLog) -> list[Record]:
    records: list[Record] = []
    with log.reader([RELEASE]) as reader:
        while not reader.at_end():
            records += reader.poll(1)
    return records


def test_scored_studies_become_releases_and_metrics(tmp_path: Path, embedded_log: EmbeddedLog) -> None:
    embedded_log.create_topics(dict.fromkeys(TOPICS, 1))
    with embedded_log.producer() as producer, start("aggregation", _settings(tmp_path)) as runtime:
        thread = threading.Thread(target=run, args=(runtime,))
        thread.start()
        producer.send([record_of(scored(number)) for number in range(105)])
        value = runtime.telemetry.registry.get_sample_value
        _wait_for(lambda: value("segwatch_site_open_tail_studies", {"kind": "portrait"}) == 5)
        _wait_for(lambda: len(_releases(embedded_log)) >= 7)
        runtime.stop.set()
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()
        assert value("segwatch_stage_messages_total", {"stage": "aggregation", "outcome": "done"}) == 105
    kinds = [decode(RELEASE, r.key, r.value, r.headers).data.root.kind for r in _releases(embedded_log)]
    assert [kind for kind in kinds if kind != "heartbeat"] == ["pulse"] * 5 + ["portrait"]
    assert "heartbeat" in kinds


def test_a_missing_topic_is_waited_for_and_named(
    tmp_path: Path, embedded_log: EmbeddedLog, caplog: pytest.LogCaptureFixture
) -> None:
    embedded_log.create_topics({SCORED: 1})
    with start("aggregation", _settings(tmp_path)) as runtime:
        runtime.stop.wait = lambda _seconds: bool(runtime.stop.set())  # type: ignore[method-assign]
        with pytest.raises(AskedToStop):
            run(runtime)
    assert "site.ledger" in caplog.text


def test_without_a_policy_nothing_starts(tmp_path: Path, embedded_log: EmbeddedLog) -> None:
    embedded_log.create_topics(dict.fromkeys(TOPICS, 1))
    settings = _settings(tmp_path, policy=tmp_path / "none.yaml")
    with start("aggregation", settings) as runtime, pytest.raises(BadInput, match="nothing may leave"):
        run(runtime)
