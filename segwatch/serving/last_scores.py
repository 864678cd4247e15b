"""The studies that a hospital's log has scores of, for tools that look at them."""

from segwatch.contracts.envelope import decode
from segwatch.contracts.studies import StudyScored
from segwatch.contracts.topics import SCORED
from segwatch.errors import InvalidMessage
from segwatch.streaming.log import Log
from segwatch.streaming.topic_reader import whole_topic


def last_scores(log: Log) -> list[StudyScored]:
    """Each study as it was scored last, in the order of those records; none that is on trial.

    Raises:
        LogUnavailable, LogRefused: the topic cannot be read.
    """
    found: dict[str, StudyScored] = {}
    for record in whole_topic(log, SCORED):
        try:
            scored = decode(SCORED, record.key, record.value, record.headers).data
        except InvalidMessage:
            continue  # whoever folds the topic puts it aside
        if scored.arrival is None or not scored.arrival.trial:
            found.pop(scored.study, None)
            found[scored.study] = scored
    return list(found.values())
