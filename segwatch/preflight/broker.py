"""A Kafka as a service comes to it: name, port, TLS, who is let in, topics, and what one may do there."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from segwatch.errors import BadSettings, LogRefused, LogUnavailable, in_one_line
from segwatch.preflight.certificates import served
from segwatch.preflight.findings import LONGEST, Finding, fault, ok, unused
from segwatch.preflight.network import reach
from segwatch.preflight.topics import TopicState, expected_of, no_right, rights, topics
from segwatch.streaming.access import Access
from segwatch.streaming.certificate_files import common_names
from segwatch.streaming.kafka.log import KafkaLog
from segwatch.streaming.kafka.options import servers
from segwatch.streaming.settings import ConnectionSettings

NOT_AUTHORISED = 29
"""TOPIC_AUTHORIZATION_FAILED; 3 is UNKNOWN_TOPIC_OR_PARTITION."""
DESCRIBE_CONFIGS = "DescribeConfigs"


def broker(
    settings: ConnectionSettings,
    called: str,
    table: Callable[[str], Access | None],
    proxy: str | None = None,
    otherwise: Sequence[str] = (),
) -> Iterator[Finding]:
    """All that can be seen of a Kafka from here, the first fault that hides the rest last.

    Args:
        settings: where, and as whom.
        called: what it is called in sentences.
        table: what a principal of it may do; None for one that is not in it.
        proxy: see `network.reach`.
        otherwise: topics that there must be, where the principal is not in the table.
    """
    listed = servers(settings)
    reached = [reach(each, called, proxy) for each in listed]
    yield from reached
    if all(each.state != "ok" for each in reached):
        return
    if settings.kafka_ca_file is not None:
        shook = [served(each, called, settings.kafka_ca_file, _shown(settings)) for each in listed]
        yield from shook
        if all(each.state == "fault" for each in shook):
            return
    try:
        with KafkaLog(settings) as log:
            yield ok("kafka", f"{called} lets us in as {principal_of(settings)}")
            yield from _looked_at(log, settings, table, otherwise)
    except (LogUnavailable, LogRefused, BadSettings) as error:
        yield fault(
            "kafka", f"{called}: {in_one_line(error, LONGEST)}", "mend what it says, and run it again"
        )


def principal_of(settings: ConnectionSettings) -> str:
    """Who we are to the broker: the user, the certificate's common name, or nobody."""
    if settings.kafka_username is not None:
        return settings.kafka_username
    names = common_names(settings.kafka_cert_file) if settings.kafka_cert_file is not None else []
    return names[0] if names else "nobody in particular"


def _looked_at(
    log: KafkaLog,
    settings: ConnectionSettings,
    table: Callable[[str], Access | None],
    otherwise: Sequence[str],
) -> Iterator[Finding]:
    principal = principal_of(settings)
    access = table(principal)
    expected = list(otherwise) if access is None else expected_of(access)
    refused, found = _states(log, expected)
    yield from (no_right(principal, ["Describe"], name) for name in refused)
    yield from topics([name for name in expected if name not in refused], found)
    if settings.kafka_security == "PLAINTEXT":
        yield unused("rights", "the broker asks nobody's name (KAFKA_SECURITY=PLAINTEXT)")
    elif access is None:
        yield unused("rights", f"{principal} is no principal of the table")
    else:
        yield from rights(principal, access, found)


def _states(log: KafkaLog, names: Sequence[str]) -> tuple[list[str], dict[str, TopicState]]:
    """The topics that the principal may not see, and those that are there."""
    said = log.asked_by_name(names)
    refused = [each["name"] for each in said if each["error_code"] == NOT_AUTHORISED]
    there = {each["name"]: each for each in said if each["error_code"] == 0}
    may = {name: frozenset(map(_spelt, each["authorized_operations"] or ())) for name, each in there.items()}
    configs = log.configs([name for name in there if DESCRIBE_CONFIGS in may[name]]) if there else {}
    states = {
        name: TopicState(len(each["partitions"]), configs.get(name) or None, may[name])
        for name, each in there.items()
    }
    return refused, states


def _spelt(operation: str) -> str:
    """`DESCRIBE_CONFIGS` as Kafka's rules write it: `DescribeConfigs`."""
    return "".join(part.capitalize() for part in operation.split("_"))


def _shown(settings: ConnectionSettings) -> tuple[Path, Path] | None:
    if settings.kafka_cert_file is None or settings.kafka_key_file is None:
        return None
    return settings.kafka_cert_file, settings.kafka_key_file
