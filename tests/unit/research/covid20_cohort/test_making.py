"""The cohort from scans to tables: with networks of a few steps, on scans of 48 × 48."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow.parquet
import pytest

pytest.importorskip("torch", reason="the cohort's networks need the segmentation extra")

from research.covid20_cohort import command, fold_networks
from research.covid20_cohort import make_rows as making
from research.covid20_cohort.command import make
from research.covid20_cohort.covid20 import RefusedSource, listed, read_published, read_scan
from research.covid20_cohort.mask_folder import mask_folder
from research.covid20_cohort.measured_row import hounsfield, measures_of, product_lung
from research.covid20_cohort.plan import planned_published
from research.covid20_cohort.predict import Predictor
from research.covid20_cohort.setup import Context, Setup, made_from
from research.covid20_cohort.training import Planes, fast_precision, folds_of, planes_of, train
from segwatch.cohorts.table import read_cohort
from segwatch.features.files import Request, measure_files
from segwatch.features.registry import ALL, MEASURED
from segwatch.files import Finished

pytestmark = pytest.mark.torch
EACH = 1
FEW = {"each": EACH, "steps": 0.004, "seed": 0, "workers": 1}


@pytest.fixture(scope="module")
def made(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("made")
    make(source, out, **FEW)
    return out


def test_the_tables_are_cohorts_of_every_feature(made):
    cohort = read_cohort(made / "covid20.parquet")
    assert len(cohort) == 6 * 2 * EACH
    assert cohort.features == ALL
    assert set(cohort.patients) == set("abcde")
    assert cohort.set_names == ("train",)
    assert read_cohort(made / "external.parquet").set_names == ("external",)
    assert len(read_cohort(made / "external-expert-lung.parquet")) == 6


def test_a_published_mask_as_it_is_has_the_same_row_in_both_of_its_tables(made):
    external, variants = (read_cohort(made / f"{name}.parquet") for name in ("external", "published"))
    assert variants.set_names == ("train",)
    as_they_are = variants.rows([name.endswith("-00") for name in variants.cases])
    assert as_they_are.patients.tolist() == external.patients.tolist()
    np.testing.assert_array_equal(as_they_are.dice, external.dice)
    np.testing.assert_array_equal(as_they_are.values, external.values)


@pytest.mark.parametrize("kind", ["part", "thick_slices", "flip", "noise"])
def test_a_published_mask_moves_as_the_truth_moves(source, kind):
    scan = read_scan(listed(source)[0])
    one = replace(planned_published([("a-1", "a")], 1, 0)[0], changes=((kind, 0.9),))
    np.testing.assert_array_equal(making._moved(scan, one, scan.truth), making.prepared(scan, one).truth)


def test_only_what_the_lung_says_differs_between_the_lungs(made):
    own, expert = (read_cohort(made / f"covid20{lung}.parquet") for lung in ("", "-expert-lung"))
    assert (own.cases == expert.cases).all()
    assert (own.dice == expert.dice).all()
    volume = own.features.index("lesion_volume_ml")
    np.testing.assert_array_equal(own.values[:, volume], expert.values[:, volume])
    share = own.features.index("lesion_share_of_lung")
    assert (own.values[:, share] != expert.values[:, share]).any()


def test_how_a_row_was_made_stands_beside_the_table(made):
    made_of = pyarrow.parquet.read_table(made / "covid20-made.parquet").to_pylist()
    assert [row["case"] for row in made_of] == read_cohort(made / "covid20.parquet").cases.tolist()
    assert {row["made_by"] for row in made_of} == {"coarse", "fine"}
    assert all(row["made_slices"] >= 2 and 0 < row["made_threshold"] < 1 for row in made_of)


def test_a_run_that_was_stopped_goes_on_and_gives_the_same_table(source, made, tmp_path, monkeypatch):
    class Stopping(Finished):
        count = 0

        def put(self, key, made):
            Stopping.count += 1
            if Stopping.count == 4:
                raise KeyboardInterrupt
            super().put(key, made)

    monkeypatch.setattr(command, "mask_folder", lambda folder: Stopping(**vars(mask_folder(folder))))
    with pytest.raises(KeyboardInterrupt):
        make(source, tmp_path, **FEW)
    rows = list((tmp_path / ".work").glob("*.rows/*"))
    assert len(rows) == 6 + 6 + 3  # published masks, truths, and what the networks had made
    rows[0].write_text('["cut off')
    trained = []
    monkeypatch.setattr(fold_networks, "train", lambda *_: trained.append(1))
    make(source, tmp_path, **FEW)
    assert not trained, "a network that was there was trained again"
    for name in ("covid20", "covid20-made", "truths", "external"):
        first, second = (
            pyarrow.parquet.read_table(folder / f"{name}.parquet") for folder in (made, tmp_path)
        )
        assert first.equals(second), name


def test_two_processes_make_the_same_tables_as_one(source, made, tmp_path):
    make(source, tmp_path, **{**FEW, "workers": 2})
    for name in ("covid20", "covid20-made", "external", "external-expert-lung"):
        one, two = (pyarrow.parquet.read_table(folder / f"{name}.parquet") for folder in (made, tmp_path))
        assert one.equals(two), name


def test_masks_that_are_kept_are_measured_again_without_a_network(source, made, tmp_path, monkeypatch):
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(next((tmp_path / ".work").glob("*.rows")))
    monkeypatch.setattr(making, "Predictor", None)
    make(source, tmp_path, **FEW)
    first, second = (pyarrow.parquet.read_table(folder / "covid20.parquet") for folder in (made, tmp_path))
    assert first.equals(second)


def test_no_network_sees_a_patient_of_its_fold(source, tmp_path, monkeypatch):
    cases = listed(source)
    fold = folds_of([case.patient for case in cases], 4, 0)
    seen: list[list[list[Planes]]] = []

    def train(_recipe, patients: Sequence[Sequence[Planes]], _stepped):
        seen.append([list(scans) for scans in patients])
        return {}

    monkeypatch.setattr(fold_networks, "train", train)
    context = Context(
        Setup((command.COARSE,), 4, ALL, 0), tuple(cases), tmp_path, mask_folder(tmp_path / "masks")
    )
    fold_networks.train_networks(context, 1, lambda _: None)
    for number, patients in enumerate(seen):
        learnt = [patient for patient in set(fold) if fold[patient] != number]
        assert len(patients) == len(learnt)
        assert sum(len(scans) for scans in patients) == sum(case.patient in learnt for case in cases)


@pytest.mark.parametrize(
    ("units", "precision"),
    [
        ({"avx2": True, "avx512_bf16": True, "amx_bf16": False}, "bfloat16"),
        ({"avx2": True, "avx512_bf16": False, "amx_bf16": False}, "float32"),
    ],
)
def test_networks_compute_in_bfloat16_only_where_the_processor_does(monkeypatch, units, precision):
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: units)
    assert fast_precision() == precision


def test_networks_of_one_precision_are_not_taken_for_those_of_the_other(source):
    setup, cases = Setup((command.COARSE,), 4, ALL, 0), listed(source)
    digests = {
        made_from(replace(command.COARSE, precision=name), setup, cases) for name in ("bfloat16", "float32")
    }
    assert len(digests) == 2


def test_a_network_in_float32_is_trained_and_asked_in_float32(source):
    case = listed(source)[0]
    scan = read_scan(case)
    planes = planes_of(scan.levels, scan.truth, None, 2)
    recipe = replace(command.COARSE, stages=(2,), precision="float32")
    state = train(recipe, [[planes]], lambda: None)[2]
    other = train(replace(recipe, precision="bfloat16"), [[planes]], lambda: None)[2]
    assert not all(state[name].equal(other[name]) for name in state)
    exact, rough = (
        Predictor(state, 2, name).foreground(scan.levels, None) for name in ("float32", "bfloat16")
    )
    assert not np.array_equal(exact.plain, rough.plain)
    np.testing.assert_allclose(exact.plain, rough.plain, atol=0.05)


def test_how_long_training_takes_is_said_before_it_begins_and_only_where_something_is_missing(
    source, made, tmp_path, monkeypatch, capsys
):
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(fold_networks, "seconds_a_step", lambda *_: 90.0)
    make(source, tmp_path, **FEW)
    assert "minutes" not in capsys.readouterr().err
    next((tmp_path / ".work").glob("fine-*-0.pt")).unlink()
    make(source, tmp_path, **FEW)
    # 0.004 times 1200 steps, rounded, of one fold, at 90 s in one process.
    assert f"training in {fast_precision()}: about 8 minutes here" in capsys.readouterr().err


def test_both_scans_of_a_patient_are_in_one_fold_and_folds_are_of_a_size():
    fold = folds_of(list("aabcdefgh"), 4, seed=3)
    assert set(fold) == set("abcdefgh")
    assert np.bincount(list(fold.values())).tolist() == [2, 2, 2, 2]


def test_a_row_says_what_measuring_the_files_says(source):
    case = listed(source)[2]
    scan, mask = read_scan(case), read_published(case)
    lung = scan.expert_lung
    files = [case.folder / f"{name}.nii.gz" for name in ("ct", "lesion_predicted", "lung")]
    said = measure_files(Request(*files, ct_unit="display", features=MEASURED))
    found = measures_of(scan, hounsfield(scan), mask, lung, None, MEASURED)
    assert found.undefined == said.undefined
    assert found.status == said.status
    for name, value in said.features.items():
        assert found.features[name] == pytest.approx(value, rel=1e-9, nan_ok=False), name


def test_the_own_lung_is_found_in_display_values(source):
    scan = read_scan(listed(source)[0])
    lung = product_lung(hounsfield(scan), scan.spacing)
    assert lung is not None
    assert 2 * (lung & scan.expert_lung).sum() / (lung.sum() + scan.expert_lung.sum()) > 0.8


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "index.csv").unlink(), "there is no .*index.csv"),
        (lambda folder: (folder / "index.csv").write_text("case,patient\na-1,\n"), "case and patient"),
        (lambda folder: (folder / "cases" / "b" / "lung.nii.gz").unlink(), "the case b lacks"),
        (lambda folder: (folder / "index.csv").write_text("case,patient\nb,b\nb,b\n"), "twice"),
        (lambda folder: (folder / "index.csv").write_text("case,patient\nb,b\nc,c\n"), "fewer patients than"),
    ],
)
def test_a_source_that_cannot_be_used_is_refused_before_any_work(source, tmp_path, spoil, message):
    folder = tmp_path / "source"
    shutil.copytree(source, folder)
    spoil(folder)
    with pytest.raises(RefusedSource, match=message):
        make(folder, tmp_path / "out", **FEW)
    assert not (tmp_path / "out").exists()


def test_a_predictions_rows_lie_under_its_name(made):
    (rows,) = (made / ".work").glob("*.rows/a-1-published-00@*.json")
    assert set(json.loads(rows.read_text())) == {"own", "expert"}


def test_rows_of_another_version_of_a_feature_are_not_taken(source, made, tmp_path, monkeypatch):
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    measured = []
    monkeypatch.setattr(command, "rows_of", lambda _, missing, __: measured.extend(missing) or [])
    monkeypatch.setattr(command, "versions_of", lambda names: ["another", *names])
    with pytest.raises(KeyError):
        make(source, tmp_path, **FEW)
    assert len(measured) == len(list((made / ".work").glob("*.rows/*")))


def test_every_scan_has_its_truth_among_the_masks(made):
    truths = read_cohort(made / "truths.parquet")

    assert set(truths.cases[truths.dice == 1.0]) == {
        f"{case}-truth-00" for case in ("a-1", "a-2", "b", "c", "d", "e")
    }
