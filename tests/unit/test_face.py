"""The library's face: what `import segwatch` gives, and what it costs."""

import subprocess
import sys
from pathlib import Path

import pytest

import segwatch

BUNDLE = Path(__file__).parents[2] / "deploy" / "models" / "demo-scorer"
NAMES = [
    "Cohort",
    "FEATURES",
    "Measures",
    "Phantom",
    "Request",
    "Score",
    "Scorer",
    "SegwatchError",
    "Trained",
    "Volume",
    "__version__",
    "grid_geometry",
    "load_scorer",
    "make_phantom",
    "measure",
    "measure_files",
    "read_cohort",
    "read_ct",
    "read_mask",
    "resample_ct",
    "resample_mask",
    "save_scorer",
    "score",
    "train",
]
HEAVY = {"kafka", "matplotlib", "numba", "numpy", "pyarrow", "pydantic", "rich", "scipy", "sklearn", "torch"}


def test_the_face_is_exactly_this_list() -> None:
    assert sorted(segwatch.__all__) == NAMES
    assert set(NAMES) <= set(dir(segwatch))


@pytest.mark.parametrize("name", sorted({*NAMES} - {"FEATURES", "__version__"}))
def test_each_name_is_there_and_explains_itself(name: str) -> None:
    assert getattr(segwatch, name).__doc__


def test_the_features_and_the_version_are_there() -> None:
    assert all(feature.card.what for feature in segwatch.FEATURES)
    assert segwatch.__version__[0].isdigit()


def test_another_name_is_missed_as_in_any_module() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = segwatch.nothing


@pytest.mark.parametrize("module", ["segwatch", "segwatch.cli"])
def test_importing_it_imports_nothing_heavy(module: str) -> None:
    script = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


def test_a_mask_is_measured_and_scored_through_the_face_alone() -> None:
    phantom = segwatch.make_phantom(3, load=0.2)
    measures = segwatch.measure(
        segwatch.resample_ct(phantom.ct),
        segwatch.resample_mask(phantom.lesion),
        segwatch.resample_mask(phantom.lung),
        segwatch.grid_geometry(phantom.geometry).spacing_zyx_mm,
    )
    score = segwatch.score(measures, segwatch.load_scorer(BUNDLE))
    assert measures.status == "measured"
    assert score.status in ("scored", "outside")
    assert 0 <= score.predicted_dice <= 1
    assert {driver.feature for driver in score.drivers} == set(measures.features)
