"""The figures of a run."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from deploy.local.judge.figures import Scored, figures_of, in_order, rates_of, rolling
from deploy.local.judge.receipts import CaseReceipt, new_receipts
from deploy.local.judge.settled import IdleClock, awaited, pages_missing
from deploy.local.judge.site_view import CentreView
from deploy.local.judge.status import HospitalStatus, PageSeen
from deploy.local.show.report import RunFigures, table_of, write_report
from deploy.local.stack.pager import Page
from segwatch.contracts.topics import SCORED
from segwatch.volumes.store import VolumeStore
from tests.support.messages import MESSAGES

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PAGE = Page("central", AT, "firing", "SegwatchQualityDrop", "hospital-a", "page", "dropped", "")


def score(dice, *, failed=False):
    return MESSAGES[SCORED].model_copy(
        update={
            "predicted_dice": dice,
            "predicted_failed": failed,
            "needs_attention": failed,
            "status": "scored" if dice is not None else "undefined",
        }
    )


@pytest.fixture
def scene(full_site, tmp_path):
    """The conftest's full site as a scene; studies from number 30 on come from the new scanner."""
    made = HospitalStatus("hospital-a", tmp_path, VolumeStore(tmp_path), lambda _case, _geometry: None)
    made.view, made.receipts = full_site.view, full_site.receipts
    made.dice = {study: 0.9 if rank < 29 else 0.3 for rank, study in enumerate(made.view.scored)}
    return made


@pytest.fixture
def whole(scene, full_site):
    """What `awaited` looks at: one hospital, and the centre."""

    return SimpleNamespace(
        sites={"hospital-a": scene}, centre=CentreView({"hospital-a": dict(full_site.centre)})
    )


def test_rates_count_an_undefined_study_as_failed_and_leave_it_out_of_the_mean():
    rates = rates_of([Scored(score(0.8), 0.7), Scored(score(None, failed=True), 0.1)])
    assert (rates.predicted_failed, rates.needs_attention, rates.true_failed) == (0.5, 0.5, 0.5)
    assert rates.mean_predicted_dice == 0.8


def test_rates_over_nothing_are_undefined_and_never_zero():
    rates = rates_of([])
    assert rates.needs_attention is None
    assert rates.true_failed is None


def test_a_rolling_mean_looks_back_over_its_window_only():
    assert rolling([0.0, 1.0, 1.0, None, None, None], 2) == [0.0, 0.5, 1.0, 1.0, None, None]


def test_a_site_is_reported_around_its_change(scene):
    scene.pages.append(PageSeen(PAGE, 40))
    figures = figures_of(scene, 45, (AT, "case-00030"))
    assert (figures.scored, figures.dead_lettered, figures.pulses) == (44, 1, 2)
    assert figures.change is not None
    assert figures.change.after_studies == 29
    assert figures.page_after_change == 11
    assert (figures.before.true_failed, figures.after.true_failed) == (0.0, 1.0)


def test_summary_and_picture_are_written_with_times_as_text(scene, tmp_path):
    scene.pages.append(PageSeen(PAGE, 40))
    figures = figures_of(scene, 45, (AT, "case-00030"))
    run = RunFigures(AT, 12.34, "embedded", 3 << 30, [], ["something"])
    write_report(tmp_path, run, {"hospital-a": (in_order(scene), figures)})
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["peak_memory_gib"] == 3.0
    assert summary["problems"] == ["something"]
    assert summary["sites"]["hospital-a"]["change"]["at"] == AT.isoformat()
    assert (tmp_path / "quality.png").read_bytes().startswith(b"\x89PNG")
    assert table_of([figures]).row_count == 12


def test_nothing_is_awaited_where_all_has_come_to_its_end(whole):
    assert awaited(whole, {"hospital-a": list(whole.sites["hospital-a"].receipts)}) is None


def test_what_is_on_its_way_is_awaited_and_named(whole, full_site):
    cases = list(full_site.receipts)
    assert (
        awaited(whole, {"hospital-a": [*cases, "case-77777"]}) == "hospital-a: 1 cases have not been taken in"
    )
    full_site.arrive(99)
    assert awaited(whole, {"hospital-a": cases}) == "hospital-a: 1 studies are on their way"


def test_a_due_pulse_and_a_block_under_way_are_awaited(whole, full_site):
    cases = list(full_site.receipts)
    del whole.centre.released["hospital-a"]["pulse", 1, 1]
    assert awaited(whole, {"hospital-a": cases}) == "hospital-a: a block has not arrived at the centre"
    full_site.view.blocks.pop()
    assert awaited(whole, {"hospital-a": cases}) == "hospital-a: a pulse is due"


def test_a_page_is_missing_until_it_comes_and_an_early_one_does_not_count(whole):
    seen = whole.sites["hospital-a"].pages
    assert pages_missing(whole, {"hospital-a": 30}) == ["hospital-a"]
    seen.append(PageSeen(PAGE, 29))
    assert pages_missing(whole, {"hospital-a": 30}) == ["hospital-a"]
    seen.append(PageSeen(PAGE, 40))
    assert pages_missing(whole, {"hospital-a": 30}) == []


def test_patience_is_renewed_by_every_movement(clock):
    patience = IdleClock(clock)
    assert patience.idle(1) == 0
    clock(50)
    assert patience.idle(1) == 50
    assert patience.idle(2) == 0


def test_receipts_are_read_once_each(tmp_path):
    folder = tmp_path / ".receipts"
    folder.mkdir()
    told = {"case": "one", "study": None, "outcome": "rejected", "kind": "not_ct", "reason": "an MR"}
    (folder / "one.json").write_text(json.dumps(told))
    (folder / ".one.json.part").write_text("{")
    (receipt,) = new_receipts(tmp_path, {})
    assert receipt == CaseReceipt("one", None, "rejected", "not_ct", "an MR")
    assert new_receipts(tmp_path, {"one": receipt}) == []
