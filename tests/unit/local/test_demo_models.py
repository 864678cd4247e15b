"""What `make run` rests on: the committed demo models tell the standard scanner from the sharp one.

The seeds are in no cohort. docs/scoring.md has the figures over more phantoms.
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from segwatch.cohorts.demo_cases import DemoCase
from segwatch.cohorts.demo_cohort import measured_case
from segwatch.contracts.studies import StudyMeasured, StudyScored
from segwatch.features.registry import PAPER4
from segwatch.phantoms.scanner import SCANNERS
from segwatch.scoring.bundle import load
from segwatch.scoring.score import scored_study

MODELS = Path(__file__).parents[3] / "deploy" / "models"
SEEDS = range(7000, 7008)


def scored_under(scanner: str) -> list[StudyScored]:
    from segwatch.segmentation.bundle import open_bundle
    from segwatch.segmentation.lesion import LesionModel

    model, scorer = LesionModel(open_bundle(MODELS / "demo-lesion")), load(MODELS / "demo-scorer")
    rows = [measured_case(DemoCase("case", seed, "test", SCANNERS[scanner]), model) for seed in SEEDS]
    return [scored_study(as_message({name: row[name] for name in PAPER4}), scorer) for row in rows]


def as_message(features: dict[str, float | None]) -> StudyMeasured:
    gaps = {name: "no value" for name, value in features.items() if value is None}
    return StudyMeasured(
        study="a" * 32,
        patient="b" * 32,
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
        ct_unit="hu",
        lesion_source="nnunet",
        lung_method="classical",
        model=None,
        status="partly_undefined" if gaps else "measured",
        features=features,
        undefined=gaps,
        profile="paper",
        components="26",
    )


@pytest.mark.torch
@pytest.mark.slow
def test_few_need_attention_under_the_standard_scanner_and_most_under_the_sharp_one() -> None:
    shares = {
        scanner: sum(study.needs_attention for study in scored_under(scanner)) / len(SEEDS)
        for scanner in ("standard", "sharp")
    }
    assert shares["standard"] <= 0.25
    assert shares["sharp"] >= 0.7
