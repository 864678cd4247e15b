"""A small scorer, trained on a made-up cohort in which four features follow the Dice."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segwatch.cohorts.table import Cohort
from segwatch.contracts.studies import StudyMeasured
from segwatch.features.registry import PAPER4
from segwatch.scoring.bundle import Scorer, load, save
from segwatch.training.train import Trained, train


def made_up_cohort(patients: int = 40, seed: int = 5) -> Cohort:
    """Two studies a patient, all in `train`."""
    generator = np.random.default_rng(seed)
    dice = generator.uniform(0.05, 0.95, 2 * patients)
    noise = generator.normal(0.0, 0.05, (4, 2 * patients))
    values = np.stack(
        [
            np.round(30 - 25 * dice + 20 * noise[0]),
            -300 - 400 * dice + 500 * noise[1],
            0.3 + 0.5 * dice + noise[2],
            0.6 + 0.4 * dice + noise[3],
        ],
        axis=1,
    )
    rows = range(2 * patients)
    return Cohort(
        cases=np.array([f"case-{row}" for row in rows]),
        patients=np.array([f"patient-{row // 2}" for row in rows]),
        sets=np.array(["train" for _ in rows]),
        dice=dice,
        features=PAPER4,
        values=values,
    )


@pytest.fixture(scope="session")
def trained() -> Trained:
    return train(made_up_cohort(), "lr", "paper4")


@pytest.fixture
def bundle(trained: Trained, tmp_path: Path) -> Path:
    save(tmp_path / "bundle", trained.skops, trained.manifest, "# card\n")
    return tmp_path / "bundle"


@pytest.fixture
def scorer(bundle: Path) -> Scorer:
    return load(bundle)


@pytest.fixture
def measured() -> Callable[..., StudyMeasured]:
    """A measured study that looks like a good one of the cohort; any field can be given otherwise."""

    def make(values: dict[str, float | None] | None = None, **fields: Any) -> StudyMeasured:
        good = dict(zip(PAPER4, (8.0, -660.0, 0.75, 0.96), strict=True))
        features = {**good, "lesion_volume_ml": 12.5, **(values or {})}
        gaps = {name: "no_slice_pair: made for a test" for name, value in features.items() if value is None}
        return StudyMeasured(
            **{
                "study": "a" * 32,
                "patient": "b" * 32,
                "received_at": datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
                "ct_unit": "hu",
                "lesion_source": "nnunet",
                "lung_method": "classical",
                "model": None,
                "status": "partly_undefined" if gaps else "measured",
                "features": features,
                "undefined": gaps,
                "profile": "paper",
                "components": "26",
                **fields,
            }
        )

    return make
