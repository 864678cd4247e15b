"""What the hospital itself sees: rolling windows, metrics, and heartbeats."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from segwatch.aggregation import rolling
from segwatch.aggregation.rolling import Rolling
from segwatch.contracts.envelope import decode
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.studies import ShadowScore
from segwatch.contracts.topics import RELEASE, SCORED
from segwatch.errors import LogUnavailable
from services.aggregation.heartbeat import Heartbeats
from services.aggregation.metrics import SiteCollector
from tests.support.messages import MESSAGES, NOW
from tests.support.site_world import World, scored

LATER = NOW + timedelta(hours=12)


def test_windows_go_by_event_time_and_by_count() -> None:
    windows = Rolling()
    for day in range(40, 0, -1):
        windows.add(scored(day, received_at=LATER - timedelta(days=day - 0.5), needs_attention=day <= 7))
    shown = windows.windows(LATER)
    assert {name: quality.studies for name, quality in shown.items()} == {
        "last_20": 20,
        "last_100": 40,
        "1d": 1,
        "7d": 7,
        "30d": 30,
    }
    assert shown["7d"].needs_attention_ratio == 1.0
    assert shown["last_20"].needs_attention_ratio == pytest.approx(7 / 20)


def test_a_later_score_of_a_study_replaces_the_earlier_one() -> None:
    windows = Rolling()
    windows.add(scored(1, predicted_dice=0.2, needs_attention=True))
    windows.add(scored(1, predicted_dice=0.9))
    assert windows.windows(LATER)["last_20"] == rolling.Quality(1, 0.0, 0.9)


def test_an_undefined_study_counts_in_the_share_and_not_in_the_mean() -> None:
    windows = Rolling()
    windows.add(scored(1, predicted_dice=0.8))
    windows.add(scored(2, predicted_dice=None, status="undefined", needs_attention=True))
    assert windows.windows(LATER)["last_20"] == rolling.Quality(2, 0.5, 0.8)


def test_an_empty_window_says_nothing() -> None:
    assert Rolling().windows(NOW)["1d"] == rolling.Quality(0, None, None)


def test_what_would_change_with_the_shadow_is_shown_and_made_again_from_the_log(world: World) -> None:
    beside = ShadowScore(
        scorer=MESSAGES[SCORED].scorer.model_copy(update={"sha256": "ef" * 32}),
        status="scored",
        predicted_dice=0.3,
        predicted_failed=True,
        needs_attention=True,
    )
    world.add([scored(number) for number in range(5)])
    world.add([scored(number, shadow=beside) for number in range(5, 30)])
    world.add([scored(5, shadow=beside)], scorer="b")
    for _ in range(2):
        registry = CollectorRegistry()
        registry.register(SiteCollector(world.run(world.service()), lambda: LATER))
        value = registry.get_sample_value
        assert value("segwatch_site_shadow_window_studies") == 25
        assert value("segwatch_site_shadow_changed_studies", {"to": "flagged"}) == 25
        assert value("segwatch_site_shadow_changed_studies", {"to": "passed"}) == 0
        assert value("segwatch_site_shadow_flagged_ratio", {"role": "counts"}) == 0
        assert value("segwatch_site_shadow_predicted_failed_ratio", {"role": "shadow"}) == 1
        # All alike from the first study on is a level, and no change.
        assert value("segwatch_site_shadow_pages", {"role": "shadow"}) == 0


def test_the_share_of_predicted_failures_is_shown_raw_under_a_name_of_its_own(world: World) -> None:
    world.add(
        [scored(number, predicted_failed=number < 3, needs_attention=number < 5) for number in range(20)]
    )
    registry = CollectorRegistry()
    registry.register(SiteCollector(world.run(world.service()), lambda: LATER))
    window = {"window": "last_20"}
    assert registry.get_sample_value("segwatch_site_rolling_predicted_failed_ratio", window) == 3 / 20
    assert registry.get_sample_value("segwatch_site_rolling_needs_attention_ratio", window) == 5 / 20
    assert registry.get_sample_value("segwatch_site_shadow_window_studies") is None


def test_the_metrics_show_blocks_tail_and_rolling_quality(world: World) -> None:
    world.add([scored(number, needs_attention=number % 2 == 0) for number in range(107)])
    service = world.run(world.service())
    registry = CollectorRegistry()
    registry.register(SiteCollector(service, lambda: LATER))
    value = registry.get_sample_value
    assert value("segwatch_site_counted_studies") == 107
    assert value("segwatch_site_blocks_released_total", {"kind": "pulse"}) == 5
    assert value("segwatch_site_blocks_released_total", {"kind": "portrait"}) == 1
    assert value("segwatch_site_open_tail_studies", {"kind": "portrait"}) == 7
    assert value("segwatch_site_rolling_needs_attention_ratio", {"window": "last_100"}) == 0.5
    assert value("segwatch_site_rolling_studies", {"window": "1d"}) == 107


def test_before_the_ledger_is_read_there_are_no_block_figures(world: World) -> None:
    registry = CollectorRegistry()
    registry.register(SiteCollector(world.service(), lambda: LATER))
    assert registry.get_sample_value("segwatch_site_counted_studies") is None
    assert registry.get_sample_value("segwatch_site_rolling_studies", {"window": "1d"}) == 0


class _Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 9, 0, 3, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def _slots(world: World) -> list[int]:
    records = world.log.records[RELEASE]
    return [decode(RELEASE, r.key, r.value, r.headers).data.root.number for r in records]


def test_a_heartbeat_is_sent_once_a_slot_and_missed_slots_are_not_sent_late(world: World) -> None:
    clock = _Clock()
    policy = SitePolicy(version="test", heartbeat_seconds=10)
    beats = Heartbeats(world.log, "hospital-a", policy, clock)  # type: ignore[arg-type]  # no consumers
    first = int(clock.now.timestamp()) // 10
    assert beats.beat(1) == 7.0
    assert beats.beat(1) == 7.0
    clock.now += timedelta(seconds=35)
    assert beats.beat(1) == 2.0
    assert _slots(world) == [first, first + 3]


def test_a_heartbeat_that_failed_is_tried_again_within_its_slot(world: World) -> None:
    beats = Heartbeats(world.log, "hospital-a", world.policy, _Clock())  # type: ignore[arg-type]  # no consumers
    world.log.fault = lambda _moment: True
    with pytest.raises(LogUnavailable):
        beats.beat(1)
    world.log.fault = lambda _moment: False
    beats.beat(1)
    assert len(_slots(world)) == 1


def test_the_heartbeats_thread_waits_for_the_epoch_and_stops_when_asked(world: World) -> None:
    stop = threading.Event()
    asked: list[int] = []

    def epoch() -> int | None:
        asked.append(1)
        if len(asked) == 1:
            return None
        stop.set()
        return 3

    Heartbeats(world.log, "hospital-a", world.policy, _Clock()).run(epoch, stop)  # type: ignore[arg-type]  # no consumers
    (record,) = world.log.records[RELEASE]
    assert decode(RELEASE, record.key, record.value, record.headers).data.root.epoch == 3
