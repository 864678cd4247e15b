"""Replaying a dead letter: the original goes to its topic again, for the stage that failed and no other."""

import os
from collections.abc import Callable, Mapping, Sequence

from segwatch.contracts.topics import WITH_DEAD_LETTERS
from segwatch.errors import CannotReplay
from segwatch.streaming.deadletters.reading import Letter, Letters, marker
from segwatch.streaming.deadletters.writing import MARK, REPLAY_FOR, now
from segwatch.streaming.log import Outgoing, Producer

WayBack = Callable[[str], None]
"""Gives an input that never was a record another try, by its name; raises CannotReplay where it cannot."""


def choose(letters: Letters, ids: Sequence[str], *, everything: bool, again: bool) -> list[Letter]:
    """The letters to replay: those named by their id or its beginning, or all that wait.

    Raises:
        CannotReplay: an id is unknown or ambiguous, or its letter was replayed already and not `again`.
    """
    if everything:
        return [letter for letter in letters.by_id.values() if again or letter.pending]
    chosen = [find(letters, wanted) for wanted in ids]
    done = [letter for letter in chosen if letter.replayed and not again]
    if done:
        named = ", ".join(f"{letter.id} ({letter.replayed[-1]})" for letter in done)
        raise CannotReplay(f"replayed already: {named}; with --again it is done once more")
    return list(dict.fromkeys(chosen))


def find(letters: Letters, wanted: str) -> Letter:
    """The letter with this id, or the only one whose id begins so.

    Raises:
        CannotReplay: there is none, or more than one.
    """
    found = [letter for id_, letter in letters.by_id.items() if id_.startswith(wanted)]
    if len(found) != 1:
        what = "no dead letter has" if not found else f"{len(found)} dead letters have"
        raise CannotReplay(f"{what} an id that begins with {wanted!r}: see `segwatch deadletters list`")
    return found[0]


def replay(letter: Letter, producer: Producer, ways_back: Mapping[str, WayBack]) -> None:
    """Replay one letter and mark it. The marker is sent last: after a crash in between, a second replay is
    harmless, while a lost replay would not be.

    Args:
        letter: the letter.
        producer: of the log that it lies in.
        ways_back: by origin, for letters whose origin is no topic.

    Raises:
        CannotReplay: the letter's origin is no topic of ours, or there is no way back for it now.
        LogUnavailable, LogRefused.
    """
    if letter.topic in ways_back:
        ways_back[letter.topic](os.fsdecode(letter.record.key or b""))
    else:
        producer.send([original(letter)])
    producer.send([marker(letter, now())])


def original(letter: Letter) -> Outgoing:
    """The record that failed, for the stage that it failed in.

    Raises:
        CannotReplay: the letter names an origin that is no topic with dead letters.
    """
    if letter.topic not in WITH_DEAD_LETTERS:
        raise CannotReplay(f"{letter.id} names the origin {letter.topic!r}, to which nothing is replayed")
    kept = tuple(
        (name, value)
        for name, value in letter.record.headers
        if not name.startswith(MARK) and name != REPLAY_FOR
    )
    headers = (*kept, (REPLAY_FOR, letter.stage.encode()))
    return Outgoing(letter.topic, letter.record.key, letter.record.value, headers)
