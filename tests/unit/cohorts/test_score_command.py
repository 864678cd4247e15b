"""`segwatch score`, and the lung masks that are made where a folder has none."""

import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import nibabel
import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from segwatch.cli import app
from segwatch.cohorts.lungs import Lungs, asked_lungs
from segwatch.cohorts.measuring import How, listed, measure_case, measure_cohort, request_of
from segwatch.cohorts.opening import open_cohort
from segwatch.cohorts.opinions import AskedOpinion
from segwatch.cohorts.scores import CaseScore, cases_in, how_to_score, scored
from segwatch.errors import BadInput
from segwatch.features.files import scene_of_files
from segwatch.features.profiles import options
from segwatch.features.registry import ALL, PAPER4, feature
from segwatch.phantoms.phantom import make_phantom
from segwatch.phantoms.write import write_case
from segwatch.scoring.bundle import load
from segwatch.volumes.labels import LesionLabel
from segwatch.volumes.store import VolumeStore
from services.features.handler import Measuring
from services.features.metrics import FeaturesMetrics
from services.ingest.handler import Ingest
from services.scoring.handler import Scoring
from services.scoring.metrics import ScoringMetrics
from services.segmentation.handler import Segmentation, StudySource
from tests.support.folders import made

ROOT = Path(__file__).parents[3]
MODELS = ROOT / "deploy" / "models"
REAL = ROOT.parent / "shared" / "data" / "covid20" / "cases" / "radiopaedia_10_85902_1"
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
CT, PREDICTED, LUNG = "ct.nii.gz", "lesion_predicted.nii.gz", "lung.nii.gz"


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    """Two patients, whose truth is given as the mask; no lung masks."""
    folder = tmp_path_factory.mktemp("cases")
    for seed in (5, 6):
        case = folder / f"phantom_{seed}"
        write_case(make_phantom(seed), case)
        shutil.copy(case / "lesion_truth.nii.gz", case / PREDICTED)
        (case / LUNG).unlink()
    return folder


@pytest.fixture
def folder(phantoms, tmp_path):
    return Path(shutil.copytree(phantoms, tmp_path / "cases"))


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def by_the_services(case, scorer, ct_unit, store):
    """What scoring says of the case, which goes through every stage of a hospital."""
    registry = CollectorRegistry()

    def now():
        return NOON

    received = Ingest(store, b"s" * 16, ct_unit, now).prepare(case).event
    (segmented,) = Segmentation(store, StudySource(registry), now=now).handle(received)
    features = tuple(map(feature, ALL))
    measuring = Measuring(store, options(), features, FeaturesMetrics(registry), now)
    (measured,) = measuring.handle(segmented)
    (answer,) = Scoring(scorer, ScoringMetrics(registry), now).handle(measured)
    return answer.data


def by_the_command(case, scorer, ct_unit) -> CaseScore:
    how = how_to_score(scorer, ct_unit, asked_lungs("own"), AskedOpinion(), None, LesionLabel())
    (found,) = cases_in(case)
    return scored(measure_case(found, how), how, scorer)


def same(found, answer):
    for name in ("status", "predicted_dice", "interval", "failure_probability", "needs_attention", "reasons"):
        assert getattr(found.score, name) == getattr(answer, name), name
    assert found.score.predicted_dice is not None


def test_a_case_has_the_score_that_the_services_give_it(folder, tmp_path):
    scorer = load(MODELS / "covid20-scorer")
    case = folder / "phantom_5"

    found = by_the_command(case, scorer, "auto")

    same(found, by_the_services(case, scorer, "auto", VolumeStore(made(tmp_path / "store"))))
    assert found.lung == "classical"


@pytest.mark.skipif(not REAL.is_dir(), reason="the real scans lie in ../shared/data, which is not here")
def test_a_real_scan_in_display_values_has_the_score_that_the_services_give_it(tmp_path):
    scorer = load(MODELS / "covid20-scorer")
    case = made(tmp_path / REAL.name)
    for name in (CT, PREDICTED):
        shutil.copy(REAL / name, case / name)

    found = by_the_command(case, scorer, "display")

    same(found, by_the_services(case, scorer, "display", VolumeStore(made(tmp_path / "store"))))


def test_a_folder_is_scored_into_a_table_and_pictures_and_a_bad_case_is_a_row(folder, tmp_path):
    (folder / "broken").mkdir()
    (folder / "broken" / CT).write_bytes(b"no CT")
    out, pictures = tmp_path / "scores.csv", tmp_path / "pictures"

    result = run(
        *("score", folder, "--scorer", MODELS / "demo-scorer", "--lung", "own", "--workers", 1),
        *("--out", out, "--pictures", pictures),
    )

    assert result.exit_code == 0, result.output
    rows = {row["case"]: row for row in pyarrow.csv.read_csv(out).to_pylist()}
    assert [name for name, row in rows.items() if row["status"] == "refused"] == ["broken"]
    assert rows["broken"]["flagged"]
    assert CT in rows["broken"]["reasons"]
    good = rows["phantom_5"]
    assert good["interval_low"] <= good["predicted_dice"] <= good["interval_high"]
    assert 0 <= good["failure_probability"] <= 1
    assert {path.name for path in pictures.iterdir()} == {"phantom_5.png", "phantom_6.png"}
    *lines, last = result.stdout.splitlines()
    assert str(out) in last, "a path is not broken"
    assert max(map(len, lines)) <= 80


def test_where_nothing_can_be_scored_the_command_fails_and_says_what_helps(folder, tmp_path):
    out = tmp_path / "scores.parquet"

    result = run("score", folder / "phantom_5", "--scorer", MODELS / "demo-scorer", "--out", out)

    assert isinstance(result.exception, BadInput)
    assert "--lung own" in str(result.exception)
    (row,) = pyarrow.parquet.read_table(out).to_pylist()
    assert (row["case"], row["status"], row["flagged"]) == ("phantom_5", "undefined", True)
    assert row["predicted_dice"] is None


def test_one_case_is_measured_with_a_lung_that_is_made(folder):
    case = folder / "phantom_5"
    words = ["measure", "--ct", case / CT, "--lesion", case / PREDICTED, "--features", "paper4", "--json"]

    without, own = (json.loads(run(*words, *more).stdout) for more in ([], ["--lung", "own"]))

    assert without["features"]["lesions_within_lungs"] is None
    assert own["features"]["lesions_within_lungs"] > 0.5


def test_a_cohorts_folder_is_opened_with_lungs_that_are_made(folder, tmp_path):
    def opened(lung):
        cohort = open_cohort(
            folder,
            features=("lesions_within_lungs",),
            ct_unit="auto",
            lung=lung,
            unfinished=tmp_path / "unfinished",
            measures=tmp_path / "cohort.parquet",
            workers=1,
        ).cohort
        return cohort.values[:, 0]

    assert np.isnan(opened(None)).all()
    assert (opened("own") > 0.5).all()


def test_what_is_asked_for_counts_also_where_a_case_brings_a_mask(folder):
    case = folder / "phantom_5"
    all_lung(case, case / LUNG)
    how = How(options(), PAPER4, lungs=asked_lungs("own"))

    row = measure_case(cases_in(case)[0], how)

    assert row["lung"] == "classical"
    assert 0.5 < row["lesions_within_lungs"] <= 1.0


class HalfIsLung:
    """A lung model that takes the patient's left for lung."""

    def __init__(self, weights, sha256):
        self.sha256 = sha256

    def segment(self, ct):
        mask = np.zeros(ct.shape, np.bool_)
        mask[:, :, ct.shape[2] // 2 :] = True
        return mask


def test_a_network_makes_the_masks_that_cases_do_not_bring(folder, monkeypatch):
    monkeypatch.setitem(
        sys.modules, "segwatch.segmentation.lung_model", SimpleNamespace(LungModel=HalfIsLung)
    )
    how = How(options(), ("lesion_left_share",), lungs=asked_lungs("lungmask", Path("r231.pth"), "ab"))

    first = request_of(listed(folder)[0].folder, how)
    lung = scene_of_files(first).lung.array != 0

    assert (lung.any(axis=(0, 1)) == (np.arange(512) >= 256)).all()
    assert measure_case(listed(folder)[0], how)["lung"] == "lungmask"


def test_without_its_extra_the_network_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "segwatch.segmentation.lung_model", None)
    with pytest.raises(BadInput, match=r"segwatch\[segmentation\]"):
        asked_lungs("lungmask", Path("r231.pth"), "cd")


def test_lung_masks_are_found_by_their_files_name_or_in_a_folder(folder, tmp_path):
    first, second = listed(folder)
    all_lung(first.folder, first.folder / "other.nii.gz")
    all_lung(first.folder, made(tmp_path / "lungs") / f"{first.name}.nii.gz")

    for text in ("other.nii.gz", str(tmp_path / "lungs")):
        how = How(options(), PAPER4, lungs=asked_lungs(text))
        assert measure_case(first, how)["lesions_within_lungs"] == 1.0
        assert "no such file" in measure_case(second, how)["reason"], "a missing mask is no lungless case"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--lung", "/one/lung.nii.gz"], "of several cases"),
        (["--lung", "lungmask"], "unpinned weights"),
        (["--lung", "own", "--lung-weights", "r231.pth"], "belong to --lung lungmask"),
        (["--ct-unit", "kelvin"], "none of"),
        (["--out", "scores.xlsx"], "written as"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_anything_is_measured(folder, words, says):
    error = run("score", folder, "--scorer", MODELS / "demo-scorer", *words).exception
    assert isinstance(error, BadInput)
    assert says in str(error)


def test_a_case_is_measured_again_where_its_lung_comes_from_elsewhere(folder, tmp_path):
    measured = []

    def start(lungs):
        def one_by_one(cases, how):
            measured.extend(case.name for case in cases)
            return ((case, measure_case(case, how)) for case in cases)

        how = How(options(), PAPER4, lungs=lungs)
        measure_cohort(listed(folder)[:1], how, tmp_path / "parts", lambda: None, one_by_one)

    for lungs in (Lungs(), Lungs(), asked_lungs("own"), asked_lungs("own")):
        start(lungs)

    assert measured == ["phantom_5", "phantom_5"]


def all_lung(case, path):
    """Write a mask on the case's voxels that calls every one of them lung."""
    ct = nibabel.load(case / CT)
    nibabel.save(nibabel.Nifti1Image(np.ones(ct.shape, np.uint8), ct.affine), path)
