"""What follows when the work on a record fails: another attempt, or the dead-letter topic."""

import random
import traceback
from collections.abc import Iterator
from dataclasses import dataclass

from segwatch.errors import LogRefused, SegwatchError, Transient, Unprocessable

FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 0.5, 30.0
"""Between attempts: what comes back is noticed within half a minute, and not hammered until then."""
RETRY_SECONDS = 1.0
"""Where a wait that grows would miss the moment: a log that comes up, a heartbeat's slot."""
LONGEST_REASON = 300
"""A reason is a sentence, not a trace: it is shown in tables."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again. `counts` says whether this failure counts towards the limit of attempts."""

    error: str
    reason: str
    counts: bool


@dataclass(frozen=True, slots=True)
class Bury:
    """Send the record to the dead-letter topic, with a kind for metrics and a reason for people."""

    kind: str
    reason: str


def judge(error: BaseException, failures: int, most: int) -> Retry | Bury:
    """What follows an error.

    Transient faults, and a log that refuses (an administrator's to mend, not the study's fault), are retried
    for ever. What can never be processed is buried at once. Anything else may be the machine's (memory) or
    the study's fault: it is retried until it has failed `most` times.

    Args:
        error: what the work raised.
        failures: how often this record has failed unexpectedly, this time included.
        most: how often it may.
    """
    if isinstance(error, Transient | LogRefused):
        return Retry(type(error).__name__, short(str(error)), counts=False)
    if isinstance(error, Unprocessable):
        return Bury(error.kind, short(str(error)))
    kind = f"unexpected_{type(error).__name__}"
    if failures < most:
        return Retry(kind, _origin(error), counts=True)
    return Bury(kind, _origin(error))


def delays(
    first_seconds: float = FIRST_DELAY_SECONDS, longest_seconds: float = LONGEST_DELAY_SECONDS
) -> Iterator[float]:
    """Seconds to wait before each new attempt, without end: doubling up to a longest, jittered down by up to
    half so that services that failed together do not return together.
    """
    seconds = first_seconds
    while True:
        yield seconds * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
        seconds = min(2 * seconds, longest_seconds)


def short(text: str) -> str:
    """One line of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_REASON else f"{line[: LONGEST_REASON - 1]}…"


def _origin(error: BaseException) -> str:
    """Where an unexpected error came from. Its text is left out: it may quote what the message contains."""
    if isinstance(error, SegwatchError):
        return short(str(error))
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {'/'.join(frames[-1].filename.split('/')[-3:])}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
