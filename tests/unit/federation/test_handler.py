"""The service at the centre: new sites, missing topics, refused records, faults, restarts."""

import logging

import pytest
from prometheus_client import CollectorRegistry

from segwatch.contracts.decisions import SiteDecision
from segwatch.contracts.topics import DECISIONS, at_the_centre
from segwatch.errors import BadSettings, LogUnavailable
from segwatch.streaming.decisions import decision_record
from segwatch.streaming.log import Outgoing
from services.federation.change_metrics import ChangeCollector
from services.federation.handler import LOOK_SECONDS, Federation
from services.federation.metrics import FleetCollector, figures_of
from services.federation.settings import FederationSettings
from tests.support.memory_log import MemoryLog
from tests.support.messages import NOW
from tests.support.releases import at_centre, heartbeat, portrait, pulse

GOOD = (0, 2, 5, 30, 60, 2, 1)


class _Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def _federation(log: MemoryLog, *expected: str, clock: _Clock | None = None) -> Federation:
    return Federation(log, expected, 3, clock or _Clock())  # type: ignore[arg-type]  # no consumers


def _run(service: Federation) -> Federation:
    for _ in range(40):
        service.step(0)
    return service


def _fill(log: MemoryLog) -> None:
    for number in range(25):
        log.append(at_centre("hospital-a", pulse(number, number % 5)))
        log.append(at_centre("hospital-b", pulse(number, 10)))
    log.append(at_centre("hospital-b", pulse(3, 10)))
    log.append(at_centre("hospital-b", pulse(4, 0)))
    log.append(at_centre("hospital-a", portrait(0, GOOD)))
    log.append(at_centre("hospital-a", heartbeat(5)))


def test_the_site_is_the_topics_whatever_a_record_says(centre: MemoryLog) -> None:
    record = at_centre("hospital-a", pulse(0))
    centre.append(Outgoing(at_the_centre("hospital-b"), record.key, record.value, record.headers))
    assert set(_run(_federation(centre)).sites()) == {"hospital-b"}


def test_restarted_from_nothing_it_shows_the_same(centre: MemoryLog) -> None:
    _fill(centre)
    one, other = _run(_federation(centre)).sites(), _run(_federation(centre)).sites()
    assert one == other
    assert one["hospital-b"].conflicts == 1
    assert one["hospital-b"].copies == 1


def test_a_record_that_is_no_release_is_counted_and_stops_nothing(
    centre: MemoryLog, caplog: pytest.LogCaptureFixture
) -> None:
    centre.append(Outgoing(at_the_centre("hospital-a"), b"k", b"poison"))
    centre.append(at_centre("hospital-a", pulse(0)))
    valid = at_centre("hospital-a", pulse(1))
    loose = (valid.value or b"").replace(b'"epsilon":1.0', b'"epsilon":50.0')
    centre.append(Outgoing(valid.topic, valid.key, loose, valid.headers))
    with caplog.at_level(logging.ERROR):
        site = _run(_federation(centre)).sites()["hospital-a"]
    assert (site.refused, site.pulses) == (2, 1)
    assert "poison" not in caplog.text


def test_a_site_that_joins_later_is_found(centre: MemoryLog) -> None:
    centre.append(at_centre("hospital-a", pulse(0)))
    clock = _Clock()
    service = _run(_federation(centre, clock=clock))
    centre.append(at_centre("hospital-b", pulse(0)))
    assert set(_run(service).sites()) == {"hospital-a"}
    clock.seconds += LOOK_SECONDS
    assert set(_run(service).sites()) == {"hospital-a", "hospital-b"}


def test_a_topic_that_is_not_there_yet_is_named_once_and_waited_for(
    centre: MemoryLog, caplog: pytest.LogCaptureFixture
) -> None:
    clock = _Clock()
    service = _federation(centre, "hospital-a", "hospital-b", clock=clock)
    centre.append(at_centre("hospital-a", pulse(0)))
    centre.append(at_centre("hospital-c", pulse(0)))
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            _run(service)
            clock.seconds += LOOK_SECONDS
    assert caplog.text.count("hospital-b.segwatch.site.release.v1") == 1
    assert service.caught_up
    assert {name: site.pulses for name, site in service.sites().items()} == {"hospital-a": 1, "hospital-b": 0}
    centre.append(at_centre("hospital-b", pulse(0)))
    assert _run(service).sites()["hospital-b"].pulses == 1


def test_after_a_fault_the_old_figures_are_shown_until_the_new_ones_are_complete(
    centre: MemoryLog,
) -> None:
    _fill(centre)
    service = _run(_federation(centre))
    before = {name: figures_of(site) for name, site in service.sites().items()}
    centre.fault = lambda moment: moment == "read"
    with pytest.raises(LogUnavailable):
        service.step(0)
    centre.fault = lambda _moment: False
    service.step(0)
    assert not service.caught_up
    assert {name: figures_of(site) for name, site in service.sites().items()} == before
    _run(service)
    assert service.caught_up
    assert {name: figures_of(site) for name, site in service.sites().items()} == before


def test_the_metrics_carry_the_sites_and_leave_out_what_is_unknown(centre: MemoryLog) -> None:
    _fill(centre)
    service = _run(_federation(centre))
    registry = CollectorRegistry()
    registry.register(FleetCollector(service.sites))

    def value(name: str, site: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"segwatch_federation_{name}", {"site": site, **labels})

    assert value("needs_attention_ratio", "hospital-b") == 0.5
    assert value("window_studies", "hospital-b") == 60
    assert value("conflicts_total", "hospital-b") == 1
    assert value("last_heartbeat_timestamp_seconds", "hospital-a") == 1500
    assert value("heartbeat_interval_seconds", "hospital-a") == 300
    assert value("bin_ratio", "hospital-a", bin="0.8-1.0") == 0.6
    assert value("predicted_dice", "hospital-a") == pytest.approx(0.7 + 0.2 * (60 - 5 - 4) / 97)
    assert value("predicted_dice", "hospital-b") is None
    assert value("last_heartbeat_timestamp_seconds", "hospital-b") is None


def _settings(sites: str) -> FederationSettings:
    return FederationSettings(kafka_bootstrap="centre:9092", sites=sites)


def test_expected_sites_are_given_by_commas() -> None:
    assert _settings("hospital-a, hospital-b").site_names() == ("hospital-a", "hospital-b")
    assert _settings("").site_names() == ()


def test_an_empty_site_name_is_refused() -> None:
    with pytest.raises(BadSettings, match="empty name"):
        _settings("hospital-a,").site_names()


def test_a_start_shows_the_last_heartbeat_and_counts_copies_as_before() -> None:
    log = MemoryLog()
    first = _federation(log)
    for number in range(9):
        log.append(at_centre("hospital-a", heartbeat(number)))
        log.append(at_centre("hospital-a", heartbeat(number // 2)))
    _run(first)
    for number in range(9, 14):
        log.append(at_centre("hospital-a", heartbeat(number)))
    _run(first)
    again = _run(_federation(log))
    assert again.sites()["hospital-a"].last_beat() == first.sites()["hospital-a"].last_beat()
    assert again.sites()["hospital-a"].copies == first.sites()["hospital-a"].copies > 0


def test_a_heartbeat_that_is_none_is_refused_and_the_one_before_it_shown() -> None:
    log = MemoryLog()
    service = _federation(log)
    log.append(at_centre("hospital-a", heartbeat(1)))
    _run(service)
    bad = at_centre("hospital-a", heartbeat(2))
    log.append(Outgoing(bad.topic, bad.key, b"{}", bad.headers))
    for running in (service, _federation(log)):
        site = _run(running).sites()["hospital-a"]
        assert (site.refused, site.last_beat()) == (1, 300)


def test_a_record_under_another_records_name_is_refused(centre: MemoryLog) -> None:
    """A start and a process that runs on would else not say the same: they went by the name alone."""
    good = at_centre("hospital-a", pulse(0))
    centre.append(Outgoing(good.topic, b"heartbeat-1-5", good.value, good.headers))
    site = _run(_federation(centre)).sites()["hospital-a"]
    assert (site.refused, site.pulses, site.heartbeat) == (1, 0, None)


def _drop(log: MemoryLog) -> None:
    for number in range(30):
        log.append(at_centre("hospital-b", pulse(number, 3)))
    for number in range(30, 34):
        log.append(at_centre("hospital-b", pulse(number, 15)))
        log.append(at_centre("hospital-b", pulse(number, 15)))


def _decision(kind: str, pulse_number: int) -> Outgoing:
    decision = {"site": "hospital-b", "reason": "looked", "who": "a@b", "at": NOW, "epoch": 1}
    return decision_record(SiteDecision.model_validate({**decision, "decision": kind, "pulse": pulse_number}))


def test_an_alarm_is_shown_until_it_is_decided_and_copies_count_once(centre: MemoryLog) -> None:
    _drop(centre)
    service = _run(_federation(centre))
    registry = CollectorRegistry()
    registry.register(ChangeCollector(service.changes, service.spread))

    def value(name: str) -> float | None:
        return registry.get_sample_value(f"segwatch_change_{name}", {"site": "hospital-b"})

    assert (value("alarm"), value("together"), value("start_pulse"), value("studies_since")) == (1, 1, 30, 80)
    evidence, threshold = value("evidence"), value("threshold")
    assert evidence is not None
    assert threshold == pytest.approx(250)
    assert evidence > threshold
    again = _run(_federation(centre)).changes()
    assert again == service.changes()

    centre.append(Outgoing(DECISIONS, b"k", b"poison"))
    centre.append(_decision("acknowledge", 33))
    centre.append(_decision("acknowledge", 33))
    for decided in (_run(_federation(centre)), service):
        decided._look_at = 0.0
        _run(decided)
        assert decided.changes()["hospital-b"].alarm is None
    assert (value("alarm"), value("start_pulse")) == (0, None)
