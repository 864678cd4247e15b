"""Every service lives through every message: the good go through, the rest is put aside with its reason.

`FUZZ=200 pytest tests/integration/fuzz` looks further, at random; without, the same batches come each time.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwatch.contracts.envelope import Event, decode
from segwatch.contracts.topics import (
    MEASURED,
    RECEIVED,
    SCORED,
    SEGMENTED,
    dead_letters,
)
from segwatch.errors import InvalidMessage
from segwatch.streaming.embedded.log import EmbeddedLog
from segwatch.streaming.log import Log, Outgoing, outgoing
from segwatch.streaming.runtime import Runtime, start
from segwatch.streaming.settings import ServiceSettings
from segwatch.streaming.topics import make_hospital_topics
from services.aggregation import __main__ as aggregation
from services.aggregation.settings import AggregationSettings
from services.features import __main__ as features
from services.features.settings import FeaturesSettings
from services.scoring import __main__ as scoring
from services.scoring.settings import ScoringSettings
from services.segmentation import __main__ as segmentation
from services.segmentation.settings import SegmentationSettings
from tests.integration.fuzz.looked_at import EXAMPLES, MOST_MORE_BYTES, looked_at, peak
from tests.support.fuzz import records
from tests.support.messages import event_of
from tests.support.streaming import eventually, read_all

ROOT = Path(__file__).parents[3]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(0 if EXAMPLES else 300)]
BATCH = 25

Run = Callable[[Runtime[Any]], None]
Batch = Sequence[Outgoing]
Outcomes = dict[int, str]
"""What became of each record, by its offset."""


def lived_through(
    name: str,
    kind: type[ServiceSettings],
    run: Run,
    own: dict[str, Any],
    batch: Sequence[Outgoing],
    folder: Path,
) -> dict[int, str]:
    """Run the service on the batch until every record has its outcome; what became of each, by its offset."""
    log_file = folder / f"{os.urandom(8).hex()}.db"
    told = {
        "log": "embedded",
        "log_file": log_file,
        "http_host": "127.0.0.1",
        "http_port": 0,
        "member": "one",
    }
    topic = batch[-1].topic
    with EmbeddedLog(log_file) as log:
        make_hospital_topics(log)
        with log.producer() as producer:
            producer.send(batch)
    with start(name, kind.model_validate(own | told)) as runtime:
        service = threading.Thread(target=run, args=(runtime,))
        service.start()
        try:
            eventually(lambda: handled(runtime, name) >= len(batch) or not service.is_alive(), seconds=120)
        finally:
            runtime.stop.set()
            service.join(30)
        assert handled(runtime, name) == len(batch), "every record has one outcome"
        return outcomes(runtime.log, topic, len(batch))


def handled(runtime: Runtime[Any], name: str) -> int:
    counted = [
        runtime.telemetry.registry.get_sample_value(
            "segwatch_stage_messages_total", {"stage": name, "outcome": outcome}
        )
        for outcome in ("done", "dead_letter", "skipped")
    ]
    return int(sum(each or 0 for each in counted))


def outcomes(log: Log, topic: str, count: int) -> Outcomes:
    found = dict.fromkeys(range(count), "done")
    for letter in read_all(log, dead_letters(topic)):
        marks = dict(letter.headers)
        found[int(marks["dlq_offset"])] = marks["dlq_error"].decode()
    return found


def is_readable(record: Outgoing) -> bool:
    try:
        decode(record.topic, record.key, record.value, record.headers)
    except InvalidMessage:
        return False
    return True


def judge(batch: Batch, became: Outcomes, good: str = "done") -> None:
    for offset, record in enumerate(batch):
        assert (became[offset] == "invalid_message") == (not is_readable(record)), became[offset]
        assert not became[offset].startswith("unexpected"), (became[offset], record)
        assert became[offset] != "ended_the_process"
    assert became[len(batch) - 1] == good, "after all that, a good message still goes through"


def batches(topic: str, good: Event[Any]) -> st.SearchStrategy[list[Outgoing]]:
    """Some of each kind, and a good one at the end."""
    return st.lists(records(topic, good), min_size=BATCH, max_size=BATCH).map(
        lambda made: [*made, outgoing(topic, good)]
    )


def fuzz(topic: str, good: Event[Any], few: int, live: Callable[[Batch], Outcomes]) -> None:
    before, seen = peak(), Counter[str]()

    @looked_at(few)
    @given(batch=batches(topic, good))
    def look(batch: list[Outgoing]) -> None:
        became = live(batch)
        seen.update(became.values())
        judge(batch, became)

    look()
    print(seen)
    assert seen["invalid_message"] > BATCH, "the fuzz is not tame"
    assert seen["done"] > few, "and not so wild that nothing but the last goes through"
    assert peak() - before < MOST_MORE_BYTES


def test_segmentation_lives_through_every_message(received, store_folder, tmp_path):
    own = {"store": str(store_folder)}
    fuzz(
        RECEIVED,
        received,
        4,
        lambda batch: lived_through(
            "segmentation", SegmentationSettings, segmentation.run, own, batch, tmp_path
        ),
    )


def test_features_lives_through_every_message(segmented, store_folder, tmp_path):
    own = {"store": str(store_folder)}
    fuzz(
        SEGMENTED,
        segmented,
        4,
        lambda batch: lived_through("features", FeaturesSettings, features.run, own, batch, tmp_path),
    )


def test_scoring_lives_through_every_message(tmp_path):
    own = {"scorer": ROOT / "deploy/models/demo-scorer"}
    good = event_of(
        MEASURED,
        features={
            "connected_components": 3.0,
            "intensity_mode": -300.0,
            "segmentation_smoothness": 0.8,
            "lesions_within_lungs": 0.9,
        },
        undefined={},
        status="measured",
    )
    fuzz(
        MEASURED,
        good,
        4,
        lambda batch: lived_through("scoring", ScoringSettings, scoring.run, own, batch, tmp_path),
    )


def test_aggregation_lives_through_every_message(tmp_path):
    def own() -> dict[str, Any]:
        """Each batch is a site of its own."""
        audit_log = tmp_path / f"{os.urandom(8).hex()}.jsonl"
        return {"policy": ROOT / "deploy/policy/default.yaml", "audit_log": audit_log}

    fuzz(
        SCORED,
        event_of(SCORED),
        3,
        lambda batch: lived_through(
            "aggregation", AggregationSettings, aggregation.run, own(), batch, tmp_path
        ),
    )
