"""How many dead letters wait: a figure of state, which stands until each is dealt with."""

from segwatch.contracts.topics import MEASURED, dead_letters
from segwatch.streaming.deadletters.pending import PendingLetters
from segwatch.streaming.deadletters.reading import acknowledgement, gather, marker
from segwatch.streaming.deadletters.writing import dead_letter
from segwatch.streaming.embedded.log import EmbeddedLog
from segwatch.streaming.log import Position, Record
from segwatch.streaming.telemetry import Telemetry


def put_letters(log: EmbeddedLog, *offsets: int, stage: str = "scoring") -> None:
    with log.producer() as producer:
        for offset in offsets:
            failed = Record(Position(MEASURED, 0, offset), b"study", b"{}", (), 0)
            producer.send([dead_letter(failed, stage, "bad", "why", 1)])


def waiting(log: EmbeddedLog) -> float | None:
    """As a process that has just started shows it."""
    telemetry = Telemetry("scoring")
    pending = PendingLetters("scoring", log, [MEASURED], telemetry)
    pending.refresh()
    pending.close()
    labels = {"stage": "scoring", "error": "bad"}
    return telemetry.registry.get_sample_value("segwatch_dead_letters_pending", labels)


def test_letters_wait_until_they_are_replayed_or_acknowledged(embedded_log: EmbeddedLog) -> None:
    embedded_log.create_topics({MEASURED: 1, dead_letters(MEASURED): 1})
    put_letters(embedded_log, 1, 2, 3)
    put_letters(embedded_log, 1)  # a crash repeats a letter
    put_letters(embedded_log, 9, stage="features")
    assert waiting(embedded_log) == 3

    with embedded_log.reader([dead_letters(MEASURED)]) as reader:
        letters = [each for each in gather(list(reader.poll(1.0))).by_id.values() if each.stage == "scoring"]
    with embedded_log.producer() as producer:
        producer.send([marker(letters[0], "now")])
        producer.send([acknowledgement(letters[1], "now", "anna@ward", "a phantom")])
    assert waiting(embedded_log) == 1

    with embedded_log.producer() as producer:
        producer.send([acknowledgement(letters[2], "now", "anna@ward", "a phantom")])
    assert waiting(embedded_log) == 0
    with embedded_log.reader([dead_letters(MEASURED)]) as reader:
        seen = gather(list(reader.poll(1.0))).by_id[letters[1].id]
    assert (seen.acknowledged, seen.pending) == (("now, anna@ward, a phantom",), False)
