"""The demo cohort: its plan, its rows, and that a run that was stopped goes on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from segwatch.cohorts.demo_cases import WORST, DemoCase, between, planned
from segwatch.cohorts.demo_cohort import make_cohort, true_dice
from segwatch.cohorts.table import read_cohort
from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.studies import MaskProbabilities
from segwatch.errors import RefusedCohort
from segwatch.features.registry import PAPER4
from segwatch.phantoms.scanner import SCANNERS, STANDARD

SEED = 3_000_000


@dataclass(frozen=True)
class Found:
    mask: NDArray[np.bool_]
    probabilities: MaskProbabilities = field(default_factory=MaskProbabilities)


class Thresholding:
    """Takes what is dense in the air for lesion; finds nothing from the given call on."""

    identity = ModelIdentity(name="thresholding", sha256="0" * 64)

    def __init__(self, stops_at: int | None = None, nothing_from: int | None = None) -> None:
        self.calls = 0
        self._stops_at, self._nothing_from = stops_at, nothing_from

    def predict(self, ct: NDArray[Any], spacing_zyx_mm: tuple[float, float, float]) -> Found:
        if self.calls == self._stops_at:
            raise KeyboardInterrupt
        self.calls += 1
        dense = (ct > -650) & (ct < -150)
        return Found(
            dense if self._nothing_from is None or self.calls < self._nothing_from else dense & False
        )


@pytest.fixture(scope="module")
def cases() -> Sequence[DemoCase]:
    return planned(10, SEED)[-3:]


def test_each_patient_is_in_one_set_and_ood_has_scanners_that_training_has_not() -> None:
    cases = planned(40, SEED)
    sets = {name: [case for case in cases if case.set_name == name] for name in ("train", "test", "ood")}
    assert sum(map(len, sets.values())) == len(cases) == 120
    patients = [{case.patient for case in chosen} for chosen in sets.values()]
    assert sum(map(len, patients)) == len(set.union(*patients)) == 40
    assert {case.scanner.name for case in sets["ood"]} == {"low_dose", "thick", "contrast"}


def test_the_plan_is_the_same_for_the_same_seed_and_names_each_case_once() -> None:
    assert planned(20, SEED) == planned(20, SEED)
    assert len({case.name for case in planned(100, SEED)}) == 300


def test_severity_goes_from_the_standard_scanner_through_the_sharp_one_to_beyond() -> None:
    sharp = SCANNERS["sharp"]
    steps = [between(severity) for severity in (0.0, 1.0, WORST)]
    for name in ("sharpness", "tube_current_ma", "slice_thickness_mm", "streaks"):
        start, end, beyond = (getattr(step, name) for step in steps)
        assert start == pytest.approx(getattr(STANDARD, name))
        assert end == pytest.approx(getattr(sharp, name))
        assert (beyond - end) * (end - start) > 0, name


def test_the_rows_can_be_trained_on_and_keep_what_is_undefined(
    cases: Sequence[DemoCase], tmp_path: Path
) -> None:
    out = tmp_path / "cohort.parquet"
    assert make_cohort(cases, out, Thresholding(nothing_from=3), done=lambda: None) == 3
    cohort = read_cohort(out)
    assert cohort.features == PAPER4
    assert cohort.cases.tolist() == [case.name for case in cases]
    assert cohort.defined.tolist() == [True, True, False]
    assert cohort.dice[2] == 0.0
    assert (cohort.dice[:2] > 0).all()
    assert [file.name for file in tmp_path.iterdir()] == ["cohort.parquet"]


def test_a_run_that_was_stopped_goes_on_and_gives_the_same_table(
    cases: Sequence[DemoCase], tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        make_cohort(cases, tmp_path / "a.csv", Thresholding(stops_at=2), done=lambda: None)
    damaged, _ = tmp_path.glob(".a.csv.rows/*")
    damaged.write_text(damaged.read_text()[:-9])
    again = Thresholding()
    make_cohort(cases, tmp_path / "a.csv", again, done=lambda: None)
    make_cohort(cases, tmp_path / "b.csv", Thresholding(), done=lambda: None)
    assert again.calls == 2
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_rows_of_another_version_of_a_feature_are_measured_again(
    cases: Sequence[DemoCase], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        make_cohort(cases, tmp_path / "a.csv", Thresholding(stops_at=2), done=lambda: None)
    monkeypatch.setattr("segwatch.cohorts.demo_cohort.versions_of", lambda names: ["another", *names])
    again = Thresholding()
    make_cohort(cases, tmp_path / "a.csv", again, done=lambda: None)
    assert again.calls == 3


def test_a_table_in_no_known_format_is_refused_before_anything_is_made(
    cases: Sequence[DemoCase], tmp_path: Path
) -> None:
    model = Thresholding()
    with pytest.raises(RefusedCohort, match=r"\.csv or \.parquet"):
        make_cohort(cases, tmp_path / "cohort.xlsx", model, done=lambda: None)
    assert model.calls == 0


def test_an_empty_prediction_beside_lesion_has_a_dice_of_nought_and_two_empty_masks_have_none() -> None:
    nothing, something = np.zeros((2, 2, 2), np.bool_), np.ones((2, 2, 2), np.bool_)
    assert true_dice(nothing, something) == 0.0
    with pytest.raises(RefusedCohort, match="has no Dice"):
        true_dice(nothing, nothing)
