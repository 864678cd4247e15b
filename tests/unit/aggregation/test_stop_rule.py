"""What an integration is told before it shows the model's results."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from segwatch.aggregation.local_watch import LocalChange
from segwatch.aggregation.rolling import Quality
from segwatch.aggregation.stop_rule import KnownQuality, StopRule, answer, read_stop_rule
from segwatch.errors import BadInput

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)
WELL = Quality(20, 0.1, 0.8)
BAD = Quality(20, 0.9, 0.3)


def change(*, alarm: bool = False, evidence: float = 0.0) -> LocalChange:
    return LocalChange(evidence, 2.4, alarm, 3, 2, 4, NOW.date(), NOW.date(), NOW.date(), 40, 0.1, 0.6)


def known(**changed) -> KnownQuality:
    usual = {
        "current": True,
        "change": change(),
        "latest": WELL,
        "month": Quality(200, 0.1, 0.8),
        "newest": NOW,
    }
    return KnownQuality(**{**usual, **changed})


def test_all_known_and_well_is_ok():
    assert answer(StopRule(), known(), NOW).state == "ok"


@pytest.mark.parametrize(
    "missing",
    [
        {"current": False},
        {"change": None, "month": Quality(0, None, None), "latest": Quality(0, None, None), "newest": None},
        {"month": Quality(19, 0.0, 0.9)},
        {"newest": NOW - timedelta(days=8)},
        {"newest": None},
    ],
)
def test_what_is_not_known_is_never_ok(missing):
    told = answer(StopRule(), known(**missing), NOW)

    assert told.state == "unknown"
    assert told.reasons


def test_an_alarm_stops_where_the_site_wants_it_and_is_watched_elsewhere():
    stands = known(change=change(alarm=True, evidence=3.0))

    assert answer(StopRule(), stands, NOW).state == "watch"
    told = answer(StopRule(stop_on_change=True), stands, NOW)
    assert told.state == "stop"
    assert "nobody has decided" in told.reasons[0]


def test_what_stops_goes_on_stopping_while_the_log_is_away():
    stands = known(change=change(alarm=True), current=False)

    assert answer(StopRule(stop_on_change=True), stands, NOW).state == "stop"
    assert answer(StopRule(), stands, NOW).state == "unknown"


def test_signs_are_watched_from_a_tenth_of_the_alarms_evidence():
    assert answer(StopRule(), known(change=change(evidence=1.39)), NOW).state == "ok"
    assert answer(StopRule(), known(change=change(evidence=1.41)), NOW).state == "watch"


def test_a_bad_share_is_watched_and_stops_above_the_sites_bound():
    assert answer(StopRule(), known(latest=BAD), NOW).state == "watch"
    told = answer(StopRule(stop_above=0.8), known(latest=BAD), NOW)
    assert told == answer(StopRule(stop_above=0.8), known(latest=BAD, current=False), NOW)
    assert told.reasons == ("90% of the latest 20 studies need attention",)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("stop_on_chnge: true", "stop_on_chnge"),
        ("stop_above: 2", "stop_above"),
        ("- a", "refused"),
        ("a: [", "read"),
    ],
)
def test_a_rule_that_says_something_else_is_refused_by_file_and_field(tmp_path, text, wrong):
    path = tmp_path / "stop-rule.yaml"
    path.write_text(text)

    with pytest.raises(BadInput) as refused:
        read_stop_rule(path)

    assert str(path) in str(refused.value)
    assert wrong in str(refused.value)


def test_the_shipped_rule_and_an_empty_one_are_the_defaults(tmp_path):
    (tmp_path / "empty.yaml").write_text("# nothing\n")

    assert read_stop_rule(tmp_path / "empty.yaml") == StopRule()
    assert read_stop_rule(ROOT / "k8s/overlays/hospital/stop-rule.yaml") == StopRule()
