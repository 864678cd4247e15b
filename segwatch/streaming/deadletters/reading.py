"""Reading dead letters back: which there are, and which were replayed."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from segwatch.contracts.topics import WITH_DEAD_LETTERS, dead_letters
from segwatch.errors import LogRefused
from segwatch.streaming.deadletters.writing import MARK
from segwatch.streaming.log import Log, Outgoing, Reader, Record

REPLAYED = f"{MARK}replayed"
"""Header of a marker: the id of the letter that was replayed."""
ACKNOWLEDGED = f"{MARK}acknowledged"
"""Header of a marker: the id of the letter that somebody has looked at, and leaves as it is."""
BY, REASON = f"{MARK}by", f"{MARK}reason"
TIME = f"{MARK}time"
SILENCE_SECONDS = 15.0
"""Kafka answers a reader without the right to read with silence: after so long we say so."""


@dataclass(frozen=True)
class Letter:
    """A dead letter, and when it was replayed."""

    id: str
    stage: str
    error: str
    reason: str
    topic: str
    partition: int
    offset: int
    attempts: int
    time: str
    record: Record = field(repr=False)
    replayed: tuple[str, ...] = ()
    acknowledged: tuple[str, ...] = ()
    """Each as time, who, and why."""

    @property
    def pending(self) -> bool:
        """Whether it waits for somebody."""
        return not self.replayed and not self.acknowledged


@dataclass(frozen=True)
class Letters:
    """All letters by id, oldest first, and how many records in the topics are neither letter nor marker."""

    by_id: dict[str, Letter]
    strangers: int


def read_letters(log: Log) -> Letters:
    """All dead letters that the log has. Of several with one id (a crash repeats) the first counts.

    Raises:
        LogUnavailable, LogRefused.
    """
    topics = sorted({dead_letters(topic) for topic in WITH_DEAD_LETTERS} & log.topics())
    if not topics:
        raise LogRefused("the log has no dead-letter topic that this principal may see")
    with log.reader(topics) as reader:
        return gather(list(_to_the_end(reader)))


def gather(records: Sequence[Record]) -> Letters:
    """The letters among the records of dead-letter topics."""
    letters: dict[str, Letter] = {}
    replayed: dict[str, list[str]] = {}
    acknowledged: dict[str, list[str]] = {}
    strangers = 0
    for record in records:
        marks = _marks(record)
        letter = letter_of(record)
        if REPLAYED in marks:
            replayed.setdefault(marks[REPLAYED], []).append(marks.get(TIME, ""))
        elif ACKNOWLEDGED in marks:
            words = ", ".join(marks.get(name, "") for name in (TIME, BY, REASON))
            acknowledged.setdefault(marks[ACKNOWLEDGED], []).append(words)
        elif letter is not None:
            letters.setdefault(letter.id, letter)
        else:
            strangers += 1
    with_marks = {
        id_: replace(
            letter,
            replayed=tuple(replayed.get(id_, ())),
            acknowledged=tuple(acknowledged.get(id_, ())),
        )
        for id_, letter in letters.items()
    }
    return Letters(dict(sorted(with_marks.items(), key=lambda item: item[1].time)), strangers)


def marker(letter: Letter, at: str) -> Outgoing:
    """The record that says: this letter was replayed."""
    return Outgoing(
        topic=letter.record.at.topic,
        key=letter.id.encode(),
        value=b"",
        headers=((REPLAYED, letter.id.encode()), (TIME, at.encode())),
    )


def acknowledgement(letter: Letter, at: str, by: str, reason: str) -> Outgoing:
    """The record that says: somebody has looked at this letter, and leaves it as it is."""
    marks = {ACKNOWLEDGED: letter.id, TIME: at, BY: by, REASON: reason}
    return Outgoing(
        topic=letter.record.at.topic,
        key=letter.id.encode(),
        value=b"",
        headers=tuple((name, text.encode()) for name, text in marks.items()),
    )


def settled_by(record: Record) -> str | None:
    """The id of the letter that the record says to be dealt with; None where it is no marker."""
    marks = _marks(record)
    return marks.get(REPLAYED) or marks.get(ACKNOWLEDGED)


def letter_of(record: Record) -> Letter | None:
    """The dead letter that the record is; None where it is none."""
    marks = _marks(record)
    try:
        return Letter(
            id=marks[f"{MARK}id"],
            stage=marks[f"{MARK}stage"],
            error=marks[f"{MARK}error"],
            reason=marks[f"{MARK}reason"],
            topic=marks[f"{MARK}topic"],
            partition=int(marks[f"{MARK}partition"]),
            offset=int(marks[f"{MARK}offset"]),
            attempts=int(marks[f"{MARK}attempts"]),
            time=marks[TIME],
            record=record,
        )
    except (KeyError, ValueError):
        return None


def _marks(record: Record) -> dict[str, str]:
    return {name: value.decode(errors="replace") for name, value in record.headers}


def _to_the_end(reader: Reader) -> Iterator[Record]:
    heard_at = time.monotonic()
    while not reader.at_end():
        found = reader.poll(1.0)
        if found:
            heard_at = time.monotonic()
        elif time.monotonic() - heard_at > SILENCE_SECONDS:
            raise LogRefused("the dead-letter topics have records that this principal is not given to read")
        yield from found
