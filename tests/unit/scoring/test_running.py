"""The service as it runs: on the embedded log, from records to records."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from segwatch.contracts.envelope import Event, decode
from segwatch.contracts.studies import StudyMeasured
from segwatch.contracts.topics import MEASURED, SCORED, SCORER_DECISIONS, dead_letters
from segwatch.errors import BadSettings, RefusedModel
from segwatch.scoring.bundle import load, save
from segwatch.streaming.log import Log, Record, outgoing
from segwatch.streaming.runtime import start
from segwatch.training.train import Trained
from services.scoring.__main__ import run
from services.scoring.settings import ScoringSettings
from tests.support.messages import MESSAGES, event_of

Measured = Callable[..., StudyMeasured]


def settings_of(tmp_path: Path, scorer: Path, shadow: Path | None = None) -> ScoringSettings:
    return ScoringSettings(
        log="embedded",
        log_file=tmp_path / "log.sqlite",
        http_host="127.0.0.1",
        http_port=0,
        scorer=scorer,
        shadow_scorer=shadow,
    )


def event(number: int, data: StudyMeasured) -> Event[StudyMeasured]:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    return Event(id=f"{number:032x}", type=MEASURED, key=data.study, source="/features", time=now, data=data)


def read(log: Log, topic: str, count: int) -> Sequence[Record]:
    """The first `count` records of a topic, waited for."""
    records: list[Record] = []
    until = time.monotonic() + 30
    with log.reader([topic]) as reader:
        while len(records) < count and time.monotonic() < until:
            records += reader.poll(0.1)
    return records


def test_studies_are_scored_and_one_measured_otherwise_is_a_dead_letter_that_stops_nobody(
    bundle: Path, measured: Measured, tmp_path: Path
) -> None:
    with start("scoring", settings_of(tmp_path, bundle)) as runtime:
        runtime.log.create_topics({MEASURED: 1, SCORED: 1, dead_letters(MEASURED): 1, SCORER_DECISIONS: 1})
        studies = [measured(), measured(components="l1"), measured({"segmentation_smoothness": None})]
        with runtime.log.producer() as producer:
            producer.send([outgoing(MEASURED, event(n, data)) for n, data in enumerate(studies)])
        service = threading.Thread(target=run, args=(runtime,))
        service.start()
        try:
            scored = read(runtime.log, SCORED, 2)
            buried = read(runtime.log, dead_letters(MEASURED), 1)
        finally:
            runtime.stop.set()
            service.join(30)
    data = [decode(SCORED, record.key, record.value, record.headers).data for record in scored]
    assert [study.status for study in data] == ["scored", "undefined"]
    assert dict(buried[0].headers)["dlq_error"] == b"other_measures"
    assert not service.is_alive()


def test_a_scorer_that_is_not_there_ends_the_start_with_what_to_do(tmp_path: Path) -> None:
    with (
        start("scoring", settings_of(tmp_path, tmp_path / "none")) as runtime,
        pytest.raises(RefusedModel, match="SCORER must name a folder"),
    ):
        run(runtime)


def test_what_was_decided_holds_after_a_restart_and_is_not_taken_back_by_a_setting(
    bundle: Path, trained: Trained, measured: Measured, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    save(other, trained.skops, trained.manifest.model_copy(update={"name": "other"}), "# other\n")
    decision = MESSAGES[SCORER_DECISIONS].model_copy(update={"counts": load(other).identity})
    with start("scoring", settings_of(tmp_path, bundle, other)) as runtime:
        runtime.log.create_topics({MEASURED: 1, SCORED: 1, dead_letters(MEASURED): 1, SCORER_DECISIONS: 1})
        with runtime.log.producer() as producer:
            producer.send([outgoing(SCORER_DECISIONS, event_of(SCORER_DECISIONS, **dict(decision)))])
            producer.send([outgoing(MEASURED, event(0, measured()))])
        service = threading.Thread(target=run, args=(runtime,))
        service.start()
        try:
            (record,) = read(runtime.log, SCORED, 1)
        finally:
            runtime.stop.set()
            service.join(30)
    scored = decode(SCORED, record.key, record.value, record.headers).data
    assert (scored.scorer.name, scored.shadow.scorer.name) == ("other", "lr-paper4")
    with (
        start("scoring", settings_of(tmp_path, bundle)) as runtime,
        pytest.raises(BadSettings, match="counts, but SCORER is lr-paper4"),
    ):
        run(runtime)
