"""The scorer of the real cohort that comes with the product: it loads, and scores real masks as measured."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from segwatch.contracts.studies import StudyMeasured
from segwatch.features.files import Request, measure_files
from segwatch.features.profiles import options
from segwatch.features.registry import CATALOGUE
from segwatch.scoring.bundle import load
from segwatch.scoring.score import scored_study

ROOT = Path(__file__).parents[3]
BUNDLE = ROOT / "deploy" / "models" / "covid20-scorer"
DATA = ROOT.parent / "shared" / "data" / "covid20"


def test_its_features_are_those_of_the_catalogue_and_its_card_names_licence_and_limits() -> None:
    manifest = load(BUNDLE).manifest
    assert {feature.name: feature.version for feature in manifest.features} == {
        name: CATALOGUE[name].version for name in manifest.feature_names
    }
    card = (BUNDLE / "MODEL_CARD.md").read_text()
    for words in ("non-commercial", "13 patients", "no diagnosis", "another segmenter"):
        assert words in card


@pytest.mark.skipif(not DATA.is_dir(), reason="the real scans lie in ../shared/data, which is not here")
def test_a_published_mask_is_scored_from_the_products_own_measures() -> None:
    scorer = load(BUNDLE)
    case = DATA / "cases" / "radiopaedia_10_85902_3"
    with (DATA / "index.csv").open() as file:
        truth = {row["case"]: float(row["dice_in_cases_folder"]) for row in csv.DictReader(file)}[case.name]
    files = (case / name for name in ("ct.nii.gz", "lesion_predicted.nii.gz", "lung.nii.gz"))
    request = Request(
        *files,
        native=False,
        options=options("paper", "26", None, None),
        ct_unit="display",
        features=scorer.manifest.feature_names,
        whole=True,
    )
    measures = measure_files(request)
    scored = scored_study(
        StudyMeasured(
            study="a" * 32,
            patient="b" * 32,
            received_at=datetime(2026, 3, 2, tzinfo=UTC),
            ct_unit="display",
            lesion_source="given",
            lung_method="given",
            model=None,
            status=measures.status,
            features=measures.features,
            undefined=measures.undefined,
            profile="paper",
            components="26",
        ),
        scorer,
    )
    assert scored.status == "scored"
    assert scored.predicted_dice == pytest.approx(truth, abs=0.25)
    assert scored.interval is not None
    assert len(scored.drivers) == len(scorer.manifest.features)
