"""The page, the pictures and the table of predictions that `segwatch evaluate` writes."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pytest
from matplotlib.image import imread

from segwatch.cohorts.opening import Opened
from segwatch.cohorts.table import Cohort
from segwatch.evaluation.command import write_report
from segwatch.evaluation.evaluate import EvaluateOptions, evaluate
from segwatch.features.registry import PAPER4
from tests.support.cohorts import made_up

MakeCohort = Callable[..., Cohort]
Report = dict[str, Any]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Cohort, Report]:
    cohort = made_up(patients=30, tests=16, gaps=1)
    cohort.sets[-8:] = "<far>"
    cohort.dice[-8:] = 0.7
    out = tmp_path_factory.mktemp("report")
    asked = EvaluateOptions("paper4", PAPER4, ("lr", "rr"), {}, 2, False, (), 0, 1, out / "parts")
    found = evaluate(cohort, asked, lambda _: None)
    write_report(out, Opened(cohort), found)
    return out, cohort, json.loads((out / "report.json").read_text())


class Page(HTMLParser):
    """The page's tags with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_and_needs_nothing_beside_itself(written: tuple[Path, Cohort, Report]) -> None:
    page = Page((written[0] / "report.html").read_text())
    assert not page.open
    sources = [attributes["src"] or "" for tag, attributes in page.tags if tag == "img"]
    assert len(sources) == 7
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not {"script", "link", "iframe"} & {tag for tag, _ in page.tags}
    for words in ("Table 2", "<far>", "this one is a table", "constant mean", "train (resubstitution)"):
        assert words in page.text


def test_table_2_shows_sensitivity_with_counts_and_mae_with_its_spread(
    written: tuple[Path, Cohort, Report],
) -> None:
    out, _, report = written
    entry = report["models"]["lr"]["sets"]["test"]
    page = Page((out / "report.html").read_text()).text
    assert f"{entry['sensitivity']:.2f} ({entry['found']}/{entry['failed']})" in page
    assert f"{entry['mae']:.2f} ± {entry['mae_std']:.2f}" in page
    assert re.search(r"\[\d\.\d\d, \d\.\d\d\]", page)


def test_every_picture_is_there_and_shows_something(written: tuple[Path, Cohort, Report]) -> None:
    pictures = sorted((written[0] / "pictures").glob("*.png"))
    names = ("ablation", "calibration", "confusion", "intervals", "predicted", "risk_coverage", "roc")
    assert tuple(path.stem for path in pictures) == names
    for path in pictures:
        assert imread(path).std() > 0.02


def test_the_predictions_give_the_figures_again(written: tuple[Path, Cohort, Report]) -> None:
    out, cohort, report = written
    table = pyarrow.csv.read_csv(out / "predictions.csv").to_pandas()
    assert len(table) == 2 * len(cohort)
    rows = table[(table.model == "rr") & (table.set == "test")]
    entry = report["models"]["rr"]["sets"]["test"]
    assert rows.predicted_dice.isna().sum() == entry["n_undefined"] == 1
    assert np.abs(rows.predicted_dice - rows.dice).mean() == pytest.approx(entry["mae"])
    assert rows[rows.dice < 0.6].predicted_failed.mean() == pytest.approx(entry["sensitivity"])
    for way in ("pearson", "spearman"):
        low, high = entry[f"{way}_ci"]
        assert rows.predicted_dice.corr(rows.dice, method=way) == pytest.approx(entry[way])
        assert f"{entry[way]:.2f} [{low:.2f}, {high:.2f}]" in Page((out / "report.html").read_text()).text
    trusted = rows.sort_values("predicted_dice", ascending=False, na_position="last")
    assert (1 - trusted.dice).expanding().mean().mean() == pytest.approx(entry["aurc_dice"])


def test_the_page_tells_how_often_intervals_hold_plain_and_weighted(
    written: tuple[Path, Cohort, Report],
) -> None:
    out, _, report = written
    entry = report["models"]["lr"]["sets"]["test"]["interval"]
    page = Page((out / "report.html").read_text()).text
    assert "Nominally 80 %" in page
    low, high = entry["covered_ci"]
    assert f"{entry['covered']:.2f} [{low:.2f}, {high:.2f}]" in page


def test_the_curves_end_where_they_must(written: tuple[Path, Cohort, Report]) -> None:
    sets = written[2]["models"]["lr"]["sets"]
    entry = sets["test"]
    assert np.sum(entry["confusion"]) == entry["n"]
    area = np.trapezoid(entry["roc"]["sensitivity"], entry["roc"]["false_positive_rate"])
    assert area == pytest.approx(entry["auroc"])
    risk = entry["risk_coverage"]
    assert risk["risk"][-1] == pytest.approx(entry["failed"] / entry["n"])
    assert risk["aurc_best"] <= risk["aurc"] < risk["aurc_blind"]
    probabilities = entry["failure_calibration"]
    assert sum(group["n"] for group in probabilities["tenths"]) == entry["n"] - entry["n_undefined"]
    assert sum(row["n"] for row in entry["dice_calibration"]) == entry["n"] - entry["n_undefined"]
    assert sets["<far>"]["roc"] is None
