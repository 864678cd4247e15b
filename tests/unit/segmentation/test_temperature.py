"""The temperature that makes a model as sure as it is right."""

import numpy as np
import pytest

from segwatch.errors import BadInput
from segwatch.phantoms.phantom import make_phantom
from segwatch.segmentation.temperature import LogitCounts, fitted_temperature, temperature_of_cases
from segwatch.volumes.nifti import write_nifti


def drawn(temperature: float, seed: int = 0) -> LogitCounts:
    """Voxels that are lesion as often as a model says whose logits are that much too large."""
    rng = np.random.default_rng(seed)
    right = rng.normal(-1, 2, (40, 50, 50))
    truth = rng.random(right.shape) < 1 / (1 + np.exp(-right))
    counts = LogitCounts()
    counts.add((1 / (1 + np.exp(-right * temperature))).astype(np.float32), truth)
    return counts


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_a_model_that_is_too_sure_is_cooled_by_as_much(temperature):
    assert fitted_temperature(drawn(temperature)) == pytest.approx(temperature, rel=0.05)


def test_cases_without_lesion_fit_nothing():
    counts = LogitCounts()
    counts.add(np.full((2, 2, 2), 0.5, np.float32), np.zeros((2, 2, 2), np.bool_))
    with pytest.raises(BadInput, match="--calibrate needs cases with lesion"):
        fitted_temperature(counts)


def written(folder, number: int):
    case = folder / f"case{number}"
    case.mkdir(parents=True)
    made = make_phantom(number, shape=(8, 32, 32))
    write_nifti(case / "ct.nii.gz", made.ct, made.geometry)
    write_nifti(case / "lesion_truth.nii.gz", made.lesion.astype(np.uint8), made.geometry)
    return case


def test_a_folder_of_cases_gives_the_temperature_of_all_and_counts_them(tmp_path):
    for number in range(3):
        written(tmp_path, number)
    done = []
    found = temperature_of_cases(
        tmp_path,
        lambda ct, spacing: np.where(ct > -500, 0.9, 0.02).astype(np.float32),
        lambda: done.append(1),
    )
    assert 0.2 <= found <= 20
    assert len(done) == 3


def test_too_few_cases_or_a_missing_truth_are_named(tmp_path):
    written(tmp_path, 0)
    with pytest.raises(BadInput, match="holds 1 cases, and 3 are needed"):
        temperature_of_cases(tmp_path, lambda *_: np.zeros(1, np.float32), lambda: None)
    for number in (1, 2):
        written(tmp_path, number)
    (tmp_path / "case1/lesion_truth.nii.gz").unlink()
    with pytest.raises(BadInput, match=r"there is no .*case1/lesion_truth\.nii\.gz"):
        temperature_of_cases(tmp_path, lambda *_: np.zeros(1, np.float32), lambda: None)
