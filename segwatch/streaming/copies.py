"""Copies of a topic in a folder: written, thinned out, and put back. For the topics that are the record.

A topic only grows, so what lies in it at one moment is whole. A copy is a file of lines: the topic's name,
then one line a record. Time stamps are not in it: these topics go by the broker's clock, and nothing that
counts is read from it.
"""

import base64
import gzip
import json
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from segwatch.errors import BadInput
from segwatch.files import whole_file
from segwatch.streaming.log import Log, Outgoing, Record
from segwatch.streaming.topic_reader import whole_topic

SUFFIX = ".jsonl.gz"
BATCH = 500
"""Records that are sent together: each waits for its acknowledgement."""
Fields = dict[str, Any]


def save(log: Log, topic: str, folder: Path, now: datetime) -> tuple[Path, int]:
    """Write a copy of all that lies in a topic of one partition now.

    Returns:
        The file, and how many records it holds.

    Raises:
        BadInput: the folder is not there, or cannot be written.
        LogUnavailable, LogRefused: the topic cannot be read.
    """
    path = folder / f"{topic}-{now:%Y%m%dT%H%M%S%fZ}{SUFFIX}"
    number = 0
    try:
        with whole_file(path, durable=True) as beside:
            beside.touch(0o600)  # the ledger names patients by their pseudonyms
            with gzip.open(beside, "wt") as out:
                out.write(json.dumps({"topic": topic}) + "\n")
                for record in whole_topic(log, topic):
                    out.write(json.dumps(_fields(record)) + "\n")
                    number += 1
    except OSError as error:
        raise BadInput(f"no copy can be written to {folder}: {error.strerror}") from None
    return path, number


def thin_out(folder: Path, topic: str, keep: int) -> list[Path]:
    """Remove copies beyond the newest `keep`, but none that holds what the newest does not.

    Returns:
        Copies that hold what the newest does not: the topic was lost after them, or an older one put back.
    """
    *older, newest = sorted(folder.glob(f"{topic}-*{SUFFIX}"))
    surplus = older[: max(0, len(older) + 1 - keep)]
    precious = [each for each in older if not _holds_all_of(newest, each)]
    for each in surplus:
        if each not in precious:
            each.unlink()
    return precious


def newest(folder: Path, topic: str) -> Path:
    """The newest copy of a topic.

    Raises:
        BadInput: there is none.
    """
    found = sorted(folder.glob(f"{topic}-*{SUFFIX}"))
    if not found:
        raise BadInput(f"there is no copy of {topic} in {folder}")
    return found[-1]


def restore(log: Log, path: Path) -> tuple[str, int, int]:
    """Write into a topic what a copy holds and it lacks. Who writes to the topic must not run.

    A run that was broken off is gone on with.

    Returns:
        The topic, how many records were there already, and how many were put back.

    Raises:
        BadInput: the copy is damaged, or the topic says something that the copy does not.
        LogUnavailable, LogRefused: the topic cannot be read or written.
    """
    topic, copied = _opened(path)
    number = sum(1 for _ in copied)  # whole and readable, before anything is written
    copied, there = _opened(path)[1], 0
    for record in whole_topic(log, topic):
        if _fields(record) != next(copied, None):
            raise BadInput(
                f"record {there} of {topic} is not the one of {path}: nothing was put back. A topic that is"
                " not empty is restored only where it begins as the copy does"
            )
        there += 1
    with closing(log.producer()) as producer:
        while batch := [_outgoing(topic, each) for each in islice(copied, BATCH)]:
            producer.send(batch)
    return topic, there, number - there


def _opened(path: Path) -> tuple[str, Iterator[Fields]]:
    """A copy's topic, and its records in the topic's order.

    Raises:
        BadInput: there is no such file, or it is no whole copy; the records raise it too.
    """
    lines = _lines(path)
    match next(lines, None):
        case {"topic": str(topic)}:
            return topic, lines
    raise BadInput(f"{path} is no copy of a topic: `segwatch topics save` writes such files")


def _lines(path: Path) -> Iterator[Fields]:
    try:
        with gzip.open(path, "rt") as lines:
            for line in lines:
                yield json.loads(line)
    except (OSError, EOFError, ValueError) as error:
        raise BadInput(f"{path} is no whole copy of a topic ({type(error).__name__})") from None


def _holds_all_of(newer: Path, older: Path) -> bool:
    held = _lines(newer)
    return all(each == next(held, None) for each in _readable(older))


def _readable(path: Path) -> Iterator[Fields]:
    """What a copy holds up to where it is damaged."""
    with suppress(BadInput):
        yield from _lines(path)


def _fields(record: Record) -> Fields:
    return {
        "key": _text(record.key),
        "value": _text(record.value),
        "headers": [[name, base64.b64encode(value).decode()] for name, value in record.headers],
    }


def _outgoing(topic: str, fields: Fields) -> Outgoing:
    headers = tuple((name, base64.b64decode(value)) for name, value in fields["headers"])
    return Outgoing(topic, _bytes(fields["key"]), _bytes(fields["value"]), headers)


def _text(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
