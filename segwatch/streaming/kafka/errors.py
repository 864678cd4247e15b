"""kafka-python's errors as ours."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from kafka import errors as kafka

from segwatch.errors import LogRefused, LogUnavailable, LostPlace, SegwatchError, Unprocessable, in_one_line

_REFUSED = (
    kafka.AuthorizationError,
    kafka.UnknownTopicOrPartitionError,
    kafka.InvalidTopicError,
    kafka.InvalidGroupIdError,
    kafka.PolicyViolationError,
)
TOO_LARGE = (kafka.MessageSizeTooLargeError, kafka.RecordListTooLargeError)
_LOST = (
    kafka.CommitFailedError,
    kafka.FencedInstanceIdError,
    kafka.IllegalGenerationError,
    kafka.UnknownMemberIdError,
)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn what kafka-python raises inside into our errors; `doing` says what was tried."""
    try:
        yield
    except (kafka.KafkaConfigurationError, kafka.IllegalArgumentError):
        raise  # our own mistake, and not one that waiting mends
    except kafka.KafkaError as error:
        raise _translate(error, doing) from error
    except (OSError, RuntimeError) as error:  # a closed selector raises a bare RuntimeError
        raise LogUnavailable(f"{doing}: {error or type(error).__name__}") from error


def no_topics(missing: Iterable[str]) -> LogRefused:
    """The error for topics that are not to be seen."""
    return LogRefused(
        f"the log has no topic {', '.join(missing)}, or this principal may not see it:"
        " the platform makes topics and grants rights"
    )


def _translate(error: kafka.KafkaError, doing: str) -> SegwatchError:
    text = f"{doing}: {type(error).__name__}: {in_one_line(error, 300)}"
    if isinstance(error, _REFUSED):
        return LogRefused(f"{text}; see the topic's name and this principal's rights")
    if isinstance(error, TOO_LARGE):
        return Unprocessable(f"{doing}: a record is larger than the log takes", kind="record_too_large")
    if isinstance(error, kafka.RebalanceInProgressError) or _only_rebalancing(error):
        return LogUnavailable(f"{doing}: the group is rebalancing")
    if isinstance(error, _LOST):
        return LostPlace(text)
    return LogUnavailable(text)


def _only_rebalancing(error: kafka.KafkaError) -> bool:
    """The broker is in a rebalance, which this member may well survive with its partition."""
    return (
        isinstance(error, kafka.CommitFailedError)
        and bool(error.args)
        and isinstance(error.args[0], kafka.RebalanceInProgressError)
    )
