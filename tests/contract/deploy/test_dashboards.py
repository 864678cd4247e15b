"""The dashboards are those that the code makes, ask for metrics that exist, and show n beside every share."""

import json
import re

import pytest

from deploy.alerting.rules import BOARDS as BOARDS_OF_RULES
from deploy.alerting.rules import panels_of_alerts, rule_file
from deploy.dashboards.__main__ import HERE, rendered
from deploy.dashboards.federation import IS_THERE, PAGE_ABOVE
from deploy.dashboards.panels import SOME_COLOURS
from tests.support.metric_names import known_metrics, metrics_in, panels_of, substituted
from tests.support.sample_exporter import COUNTERS, GAUGES

BOARDS = (
    "federation.json",
    "federation_site.json",
    "site.json",
    "pipeline.json",
    "strata.json",
    "privacy.json",
)
SHARES = ("needs_attention:ratio", "needs_attention_ratio", "predicted_dice", "bin_ratio")
NUMBERS = ("window_studies", "rolling_studies", "portraits", "predicted_dice_count", "stratum_studies")
HEAT_MAPS = {
    "Needs attention, site by site": "Sites now",
    "Needs attention over time": "By how the CT was made, last 30 days",
}
"""A cell has room for a colour only: n and interval stand in the table of the same board."""


@pytest.mark.parametrize("name", BOARDS)
def test_the_committed_dashboard_is_current(name):
    assert (HERE / name).read_text() == rendered()[name], "run `python -m deploy.dashboards`"


@pytest.mark.parametrize("name", BOARDS)
def test_panels_ask_only_for_metrics_that_exist(name):
    known = known_metrics()
    asked = set()

    for title, targets in panels_of(name):
        for target in targets:
            metrics = metrics_in(substituted(target["expr"]))
            assert metrics, (title, target["expr"])
            assert metrics <= known, (title, metrics - known)
            asked |= metrics

    assert len(asked) >= 3


@pytest.mark.parametrize("name", BOARDS)
def test_every_share_and_every_mean_has_its_n_beside_it(name):
    shares = 0
    for title, targets in panels_of(name):
        metrics = {metric for target in targets for metric in metrics_in(substituted(target["expr"]))}
        if any(share in metric for metric in metrics for share in SHARES) and title not in HEAT_MAPS:
            shares += 1
            assert any(number in metric for metric in metrics for number in NUMBERS), title

    assert shares or name in ("pipeline.json", "privacy.json")


@pytest.mark.parametrize("name", BOARDS)
def test_every_share_needing_attention_has_its_interval_beside_it(name):
    for title, targets in panels_of(name):
        metrics = {metric for target in targets for metric in metrics_in(substituted(target["expr"]))}
        for metric in metrics:
            if metric.endswith("needs_attention:ratio") and title not in HEAT_MAPS:
                assert {f"{metric}_low", f"{metric}_high"} <= metrics, title


@pytest.mark.parametrize("name", BOARDS)
def test_what_is_undefined_is_shown_as_that_word(name):
    board = json.loads((HERE / name).read_text())
    panels = [panel for panel in board["panels"] if panel.get("targets")]

    assert panels
    for panel in panels:
        assert panel["fieldConfig"]["defaults"]["noValue"] == "undefined", panel["title"]


@pytest.mark.parametrize("name", BOARDS)
def test_no_panel_lies_on_another_or_has_two_queries_of_one_name(name):
    board = json.loads((HERE / name).read_text())
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (place.get("x", 0) + x, place.get("y", 0) + y)
            for x in range(place["w"])
            for y in range(place["h"])
        }
        assert not taken & cells, panel["title"]
        taken |= cells
        names = [target["refId"] for target in panel.get("targets") or []]
        assert len(names) == len(set(names)), panel["title"]


def test_the_line_in_the_panel_is_where_the_rule_pages(root):
    assert (
        f"site:segwatch_needs_attention:ratio > {PAGE_ABOVE}"
        in (root / "deploy/rules/centre.yaml").read_text()
    )


def test_the_exporter_that_panels_are_proven_with_shows_only_what_services_show():
    shown = {series.partition("{")[0] for series in (*GAUGES, *COUNTERS)}

    assert shown <= known_metrics()


@pytest.mark.parametrize("name", BOARDS)
def test_where_a_heat_map_shows_shares_the_same_board_has_their_n_in_a_table(name):
    titles = {title for title, _ in panels_of(name)}

    for heat_map, table in HEAT_MAPS.items():
        assert heat_map not in titles or table in titles


def panels(name):
    return [panel for panel in json.loads((HERE / name).read_text())["panels"] if panel.get("targets")]


@pytest.mark.parametrize("name", ["centre", "hospital"])
def test_page_panel_and_runbook_lead_to_each_other(root, name):
    alerts = {
        rule["alert"] for group in rule_file(name)["groups"] for rule in group["rules"] if "alert" in rule
    }
    linked = [
        link["url"]
        for board in BOARDS_OF_RULES[name]
        for panel in panels(f"{board}.json")
        for link in panel.get("links") or []
    ]

    assert set(panels_of_alerts(name)) == alerts
    assert len(linked) == len(alerts), "an alert has one panel"
    for url in linked:
        assert (root / "deploy/runbooks" / url.removeprefix("${runbooks}")).is_file()


@pytest.mark.parametrize("name", BOARDS)
def test_ids_of_panels_last_and_are_each_panels_own(name):
    ids = [panel["id"] for panel in json.loads((HERE / name).read_text())["panels"] if panel["type"] != "row"]

    assert len(set(ids)) == len(ids)
    assert all(ids)


def test_sites_stand_worst_first_by_the_share_that_is_sure():
    (table,) = (panel for panel in panels("federation.json") if panel["title"] == "Sites now")
    sorting = table["transformations"][-1]

    assert sorting["id"] == "sortBy"
    assert sorting["options"]["sort"] == [{"field": "from", "desc": True}]


def test_the_overview_shows_every_awaited_site_and_whether_federation_sees():
    asked = {
        title: metrics_in(substituted(target["expr"])) for title, (target, *_) in panels_of("federation.json")
    }

    assert "segwatch_federation_expected" in asked["Who was there"]
    assert asked["Who was there"] == metrics_in(substituted(IS_THERE))
    assert "segwatch_ready" in asked["Federation itself"]
    assert "segwatch_federation_without_pulse_seconds" in asked["Age of the last pulse"]


@pytest.mark.parametrize("name", BOARDS)
def test_no_panel_shows_a_counter_since_the_process_started(name):
    for title, targets in panels_of(name):
        for target in targets:
            expression = target["expr"]
            counters = [each for each in metrics_in(substituted(expression)) if each.endswith(COUNTER_ENDS)]
            for counter in counters:
                moving = re.findall(rf"(?:increase|rate|changes)\(\s*{counter}", expression)
                assert len(moving) == expression.count(counter), (title, counter)


COUNTER_ENDS = ("_total", "_bucket", "_sum", "_count")


@pytest.mark.parametrize("name", BOARDS)
def test_colours_are_those_that_the_colour_blind_tell_apart(name):
    text = (HERE / name).read_text()
    colours = set(re.findall(r'"(?:fixedColor|iconColor|color)": "(#[0-9A-Fa-f]{6}|[a-z-]+)"', text))

    assert colours <= {*SOME_COLOURS, "#777777", "#000000", "gray", "transparent"}


@pytest.mark.parametrize("name", BOARDS)
def test_alarms_decisions_models_and_policies_are_marked_over_every_panel(name):
    marks = json.loads((HERE / name).read_text())["annotations"]["list"]
    shown = {metric for mark in marks for metric in metrics_in(substituted(mark["expr"]))}

    centre = {"segwatch_change_alarm", "segwatch_change_baseline_pulse", "segwatch_federation_epoch"}
    hospital = {"segwatch_local_change_alarm", "segwatch_scoring_scorer", "segwatch_site_policy_info"}
    assert (centre if name.startswith("federation") else hospital) < shown
    assert shown <= known_metrics()
    assert all(mark["enable"] for mark in marks)
