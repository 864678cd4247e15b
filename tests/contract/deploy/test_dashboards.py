"""The dashboards are those that the code makes, ask for metrics that exist, and show n beside every share."""

import json

import pytest

from deploy.dashboards.__main__ import HERE, rendered
from deploy.dashboards.federation import PAGE_ABOVE
from tests.support.metric_names import known_metrics, metrics_in, panels_of, substituted
from tests.support.sample_exporter import COUNTERS, GAUGES

BOARDS = ("federation.json", "site.json")
SHARES = ("needs_attention:ratio", "predicted_dice", "bin_ratio")
NUMBERS = ("window_studies", "rolling_studies", "portraits", "predicted_dice_count")


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

    assert len(asked) > 10


@pytest.mark.parametrize("name", BOARDS)
def test_every_share_and_every_mean_has_its_n_beside_it(name):
    shares = 0
    for title, targets in panels_of(name):
        metrics = {metric for target in targets for metric in metrics_in(substituted(target["expr"]))}
        if any(share in metric for metric in metrics for share in SHARES):
            shares += 1
            assert any(number in metric for metric in metrics for number in NUMBERS), title

    assert shares >= 4


@pytest.mark.parametrize("name", BOARDS)
def test_every_share_needing_attention_has_its_interval_beside_it(name):
    for title, targets in panels_of(name):
        metrics = {metric for target in targets for metric in metrics_in(substituted(target["expr"]))}
        for metric in metrics:
            if metric.endswith("needs_attention:ratio"):
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
