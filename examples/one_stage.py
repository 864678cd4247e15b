"""Run one stage on the embedded log: measured studies in, scored studies out, what is no study put aside.

    python examples/one_stage.py --scorer deploy/models/demo-scorer

The log is a SQLite file that takes Kafka's place on one machine. The loop is the one that services run in: it
sends, waits until that is acknowledged, and only then commits. Needs the extra `scoring`.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import segwatch
from segwatch.contracts.envelope import Event, decode
from segwatch.contracts.identity import pseudonym, result_id
from segwatch.contracts.studies import StudyMeasured, StudyScored
from segwatch.contracts.topics import MEASURED, SCORED, dead_letters
from segwatch.scoring.score import scored_study
from segwatch.streaming.log import Log, Outgoing, Record, outgoing
from segwatch.streaming.runtime import start
from segwatch.streaming.settings import ServiceSettings
from segwatch.streaming.stage import Stage, run_stage
from segwatch.streaming.topics import make_hospital_topics

NAME = "example"
SECRET = b"an example's secret, not yours"
MASKS = {
    "a plausible mask": (3.0, -480.0, 0.85, 0.99),
    "one in many pieces": (60.0, -700.0, 0.25, 0.55),
    "an empty one": (0.0, None, None, None),
}
"""The paper's four features, in the order in which scorers take them."""
PAPER4 = ("connected_components", "intensity_mode", "segmentation_smoothness", "lesions_within_lungs")
PATIENCE_SECONDS = 30


def study(title: str, values: Sequence[float | None]) -> Event[StudyMeasured]:
    """The message that the features service would have sent."""
    features = dict(zip(PAPER4, values, strict=True))
    undefined = {
        name: "empty_mask: the lesion mask holds no voxel"
        for name, value in features.items()
        if value is None
    }
    data = StudyMeasured(
        study=pseudonym(SECRET, "study", title),
        patient=pseudonym(SECRET, "patient", title),
        received_at=datetime.now(UTC),
        ct_unit="hu",
        lesion_source="given",
        lung_method="given",
        model=None,
        status="empty" if undefined else "measured",
        features=features,
        undefined=undefined,
        profile="paper",
        components="26",
    )
    return Event(
        id=result_id("features", data.study, "example"),
        type=MEASURED,
        key=data.study,
        source="/features",
        time=data.received_at,
        data=data,
        correlation=data.study,
    )


def handler(scorer: segwatch.Scorer) -> Callable[[Event[Any]], Sequence[Event[Any]]]:
    """What the stage does with one message. It knows nothing of the log."""

    def handle(event: Event[StudyMeasured]) -> Sequence[Event[StudyScored]]:
        return [
            Event(
                id=result_id(NAME, event.id, scorer.identity.sha256),
                type=SCORED,
                key=event.key,
                source=f"/{NAME}",
                time=datetime.now(UTC),
                data=scored_study(event.data, scorer),
                correlation=event.correlation,
            )
        ]

    return handle


def read_all(log: Log, topic: str) -> list[Record]:
    with log.reader([topic]) as reader:
        found: list[Record] = []
        while not reader.at_end():
            found += reader.poll(1.0)
        return found


def say(log: Log, titles: dict[str, str]) -> None:
    for record in read_all(log, SCORED):
        scored: StudyScored = decode(SCORED, record.key, record.value, record.headers).data
        dice = (
            "no predicted Dice"
            if scored.predicted_dice is None
            else f"predicted Dice {scored.predicted_dice:.2f}"
        )
        print(
            f"{titles[scored.study]}: {scored.status}, {dice}"
            + (", needs attention" if scored.needs_attention else "")
        )
    for record in read_all(log, dead_letters(MEASURED)):
        why = {name: value.decode() for name, value in record.headers}
        print(f"put aside, {why['dlq_error']}: {why['dlq_reason']}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scorer", type=Path, required=True, help="a scorer's folder")
    scorer = segwatch.load_scorer(parser.parse_args().scorer)
    studies = {title: study(title, values) for title, values in MASKS.items()}
    with tempfile.TemporaryDirectory() as folder:
        settings = ServiceSettings(
            log="embedded", log_file=Path(folder) / "log.db", http_host="127.0.0.1", http_port=0
        )
        with start(NAME, settings) as runtime:
            make_hospital_topics(runtime.log)
            with runtime.log.producer() as producer:
                producer.send([outgoing(MEASURED, event) for event in studies.values()])
                producer.send([Outgoing(MEASURED, b"nobody", b"this is no study", ())])
            stage = Stage(NAME, [MEASURED], handler(scorer), writes=[SCORED])
            thread = threading.Thread(target=run_stage, args=(stage, runtime))
            thread.start()
            until = time.monotonic() + PATIENCE_SECONDS
            while time.monotonic() < until and not read_all(runtime.log, dead_letters(MEASURED)):
                time.sleep(0.1)  # the strange record lies last, so all is done when it is put aside
            runtime.stop.set()
            thread.join()
            say(runtime.log, {event.key: title for title, event in studies.items()})


if __name__ == "__main__":
    main()
