"""Cohorts of images: every layout gives the same measures, and each fault its message."""

import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK
import typer
from typer.testing import CliRunner

from segwatch.cohorts.arrange import arrange
from segwatch.cohorts.cli import register
from segwatch.cohorts.layouts import recognised, sources
from segwatch.cohorts.opening import Opened, open_cohort, opened_for_training
from segwatch.cohorts.table import Cohort, read_cohort
from segwatch.errors import RefusedCohort, SegwatchError

AFFINE = np.diag([-0.8, -0.8, 5.0, 1.0])
NAMES = ("a", "b", "c")
Open = Callable[[Path], Opened]


def image(array: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(array.transpose(2, 1, 0).astype(np.int16), AFFINE), path)


def files(number: int) -> dict[str, np.ndarray]:
    """A lesion in a lung, predicted a little to the side of its truth."""
    generator = np.random.default_rng(number)
    z, y, x = np.ogrid[:8, :24, :24]
    truth = ((z - 4) / 3) ** 2 + ((y - 12) / 5) ** 2 + ((x - 10) / (4 + number)) ** 2 < 1
    lung = ((z - 4) / 4) ** 2 + ((y - 12) / 10) ** 2 + ((x - 12) / 11) ** 2 < 1
    ct = np.where(truth, -300, np.where(lung, -850, 40)) + generator.integers(-30, 30, truth.shape)
    return {"ct": ct, "predicted": np.roll(truth, number + 1, axis=2), "truth": truth, "lung": lung}


Place = Callable[[Path, str], dict[str, Path]]
PLACES: dict[str, Place] = {
    "cases": lambda root, name: {
        "ct": root / name / "ct.nii.gz",
        "predicted": root / name / "lesion_predicted.nii.gz",
        "truth": root / name / "lesion_truth.nii.gz",
        "lung": root / name / "lung.nii.gz",
    },
    "nnunet": lambda root, name: {
        "ct": root / "imagesTs" / f"{name}_0000.nii.gz",
        "predicted": root / "predictions" / f"{name}.nii.gz",
        "truth": root / "labelsTs" / f"{name}.nii.gz",
        "lung": root / "lungsTs" / f"{name}.nii.gz",
    },
    "jip": lambda root, name: {
        "ct": root / "train_dirs" / "input" / name / "img" / "img.nii.gz",
        "predicted": root / "train_dirs" / "input" / name / "pred" / "net" / "pred.nii.gz",
        "truth": root / "train_dirs" / "input" / name / "seg" / "001.nii.gz",
        "lung": root / "train_dirs" / "input" / name / "lung_seg" / "lung_seg.nii.gz",
    },
    "challenge": lambda root, name: {
        "ct": root / "Train" / f"{name}_ct.nii",
        "predicted": root / "said" / f"{name}.nii.gz",
        "truth": root / "Train" / f"{name}_seg.nii.gz",
        "lung": root / "lungs" / f"{name}.nii.gz",
    },
    "mosmed": lambda root, name: {
        "ct": root / "studies" / "CT-1" / f"{name}.nii.gz",
        "predicted": root / "said" / f"{name}.nii.gz",
        "truth": root / "masks" / f"{name}_mask.nii.gz",
        "lung": root / "lungs" / f"{name}.nii.gz",
    },
    "in-house": lambda root, name: {
        "ct": root / name / "image.nii.gz",
        "predicted": root / name / "prediction.nii.gz",
        "truth": root / name / "mask.nii.gz",
        "lung": root / name / "lung.nii.gz",
    },
}


def laid_out(layout: str, root: Path) -> Path:
    for number, name in enumerate(NAMES):
        for kind, path in PLACES[layout](root, name).items():
            image(files(number)[kind], path)
    return root


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    register(made)
    return made


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    from segwatch.cohorts import measuring as module
    from segwatch.cohorts.measuring import measure_case

    def here(cases, how, workers):  # noqa: ARG001
        """In this process: what is measured in others is tested with `segwatch measure`."""
        return ((case, measure_case(case, how)) for case in cases)

    monkeypatch.setattr(module, "in_processes", here)

    def call(path: Path) -> Opened:
        return open_cohort(
            path,
            features=("connected_components", "intensity_mode", "lesions_within_lungs"),
            ct_unit="auto",
            lung=None,
            unfinished=tmp_path / "work",
            measures=tmp_path / "kept" / "cohort.parquet",
        )

    return call


@pytest.fixture
def expected(opened: Open, tmp_path: Path) -> Cohort:
    return opened(laid_out("cases", tmp_path / "expected")).cohort


def test_a_folder_of_cases_is_measured_with_its_dice(expected: Cohort) -> None:
    assert expected.cases.tolist() == list(NAMES)
    assert expected.values.shape == (3, 3)
    assert expected.defined.all()
    truth, said = (files(1)[kind] for kind in ("truth", "predicted"))
    assert expected.dice[1] == pytest.approx(2 * (truth & said).sum() / (truth.sum() + said.sum()))


@pytest.mark.parametrize(("layout", "cases"), [("nnunet", "{}"), ("jip", "{}-net")])
def test_the_authors_and_nnunets_layouts_are_recognised_and_give_the_same(
    layout: str, cases: str, expected: Cohort, opened: Open, tmp_path: Path
) -> None:
    root = laid_out(layout, tmp_path / layout)
    assert recognised(root) == layout
    found = opened(root)
    assert found.cohort.cases.tolist() == [cases.format(name) for name in NAMES]
    assert found.cohort.patients.tolist() == list(NAMES)
    np.testing.assert_array_equal(found.cohort.values, expected.values)
    np.testing.assert_array_equal(found.cohort.dice, expected.dice)


@pytest.mark.parametrize(
    ("layout", "ending"), [("cases", ".nrrd"), ("cases", ".MHA"), ("nnunet", ".nrrd"), ("nnunet", ".mha")]
)
def test_images_in_other_formats_give_the_same(
    layout: str, ending: str, expected: Cohort, opened: Open, tmp_path: Path
) -> None:
    root = laid_out(layout, tmp_path / layout)
    in_format(root, ending)
    found = opened(root).cohort
    np.testing.assert_array_equal(found.values, expected.values)
    np.testing.assert_array_equal(found.dice, expected.dice)


def in_format(folder: Path, ending: str) -> None:
    """Each image of a folder, in another format in its place."""
    for path in list(folder.rglob("*.nii.gz")):
        image = SimpleITK.ReadImage(path)
        path.unlink()
        written = path.with_name(path.name.removesuffix(".nii.gz") + ending.lower())
        SimpleITK.WriteImage(image, written)
        written.rename(written.with_suffix(ending) if ending.isupper() else written)


def test_what_is_imported_again_in_another_format_takes_its_place(tmp_path: Path) -> None:
    for ending in (".nii.gz", ".nrrd", ".nii"):
        source = tmp_path / f"from {ending}"
        root = laid_out("nnunet", source)
        in_format(root, ending)
        arrange(sources("nnunet", root), tmp_path / "cohort", None, "all")
        assert {path.name for path in (tmp_path / "cohort" / "a").iterdir()} == {
            f"{name}{'.nrrd' if ending == '.nrrd' else '.nii.gz'}"
            for name in ("ct", "lesion_predicted", "lesion_truth", "lung")
        }


@pytest.mark.parametrize("layout", ["challenge", "mosmed", "in-house"])
def test_an_imported_layout_gives_the_same_in_the_sets_of_the_split(
    layout: str, expected: Cohort, app: typer.Typer, opened: Open, tmp_path: Path
) -> None:
    root = laid_out(layout, tmp_path / "theirs")
    split = tmp_path / "split.csv"
    split.write_text("case,patient,set\na,1,train\nb,1,train\nc,2,test\n")
    given = ["--source", str(root), "--out", str(tmp_path / "mine"), "--split", str(split)]
    if layout != "in-house":
        given += ["--predictions", str(root / "said"), "--lungs", str(root / "lungs")]
    for _ in range(2):
        done = CliRunner().invoke(app, ["cohort", "import", layout, *given])
        assert done.exit_code == 0, (done.output, done.exception)
    assert "3 cases" in done.output
    shutil.rmtree(root)
    found = opened(tmp_path / "mine").cohort
    np.testing.assert_array_equal(found.values, expected.values)
    np.testing.assert_array_equal(found.dice, expected.dice)
    assert found.patients.tolist() == ["1", "1", "2"]
    assert found.sets.tolist() == ["train", "train", "test"]


def test_a_folder_that_is_trained_on_leaves_its_table_beside_the_bundle(
    expected: Cohort, tmp_path: Path
) -> None:
    root = laid_out("nnunet", tmp_path / "theirs")
    cohort = opened_for_training(root, expected.features, "auto", None, "", tmp_path / "bundle")
    np.testing.assert_array_equal(cohort.values, expected.values)
    assert read_cohort(tmp_path / "bundle.cohort.parquet").sha256() == cohort.sha256()
    assert not (tmp_path / ".bundle.unfinished").exists()


def test_a_cohort_table_beside_nnunets_folders_says_whose_the_cases_are(opened: Open, tmp_path: Path) -> None:
    root = laid_out("nnunet", tmp_path / "theirs")
    (root / "cohort.csv").write_text("case,patient,set\na,p,train\nb,p,train\nc,q,far\n")
    assert opened(root).cohort.sets.tolist() == ["train", "train", "far"]
    (root / "cohort.csv").write_text("case,patient,set\na,p,train\nb,p,train\n")
    with pytest.raises(RefusedCohort, match="does not name the case c"):
        opened(root)


def test_measures_that_are_known_are_kept_while_a_case_is_repaired(opened: Open, tmp_path: Path) -> None:
    root = laid_out("cases", tmp_path / "mine")
    image(np.zeros((8, 24, 20)), root / "b" / "lesion_truth.nii.gz")
    with pytest.raises(RefusedCohort, match=r"the case b cannot be measured: .*lesion_truth"):
        opened(root)
    measured = set((tmp_path / "work" / "measures").iterdir())
    assert len(measured) == 3
    image(files(1)["truth"], root / "b" / "lesion_truth.nii.gz")
    assert opened(root).cohort.defined.all()
    assert len(set((tmp_path / "work" / "measures").iterdir()) - measured) == 1


def test_two_empty_masks_have_no_dice_and_are_refused(opened: Open, tmp_path: Path) -> None:
    root = laid_out("cases", tmp_path / "mine")
    for name in ("lesion_truth", "lesion_predicted"):
        image(np.zeros((8, 24, 24)), root / "c" / f"{name}.nii.gz")
    with pytest.raises(RefusedCohort, match="the case c cannot be measured: both masks are empty"):
        opened(root)


def test_a_mask_that_misses_everything_has_a_dice_of_0_and_is_undefined(opened: Open, tmp_path: Path) -> None:
    root = laid_out("cases", tmp_path / "mine")
    image(np.zeros((8, 24, 24)), root / "c" / "lesion_predicted.nii.gz")
    cohort = opened(root).cohort
    assert cohort.dice[2] == 0.0
    assert cohort.defined.tolist() == [True, True, False]


@pytest.mark.parametrize("name", ["ct", "lesion_predicted", "lesion_truth"])
def test_a_case_without_one_of_its_files_is_refused(name: str, opened: Open, tmp_path: Path) -> None:
    root = laid_out("cases", tmp_path / "mine")
    (root / "b" / f"{name}.nii.gz").unlink()
    with pytest.raises(RefusedCohort, match=f"the case b has no {name}.nii.gz"):
        opened(root)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["challenge"], "has no prediction"),
        (["squashed"], "no layout 'squashed'; there are jip"),
        (["mosmed"], "holds no case of the layout mosmed"),
        (["challenge", "--predictions", "nowhere"], "there is no folder nowhere"),
        (["challenge", "--split", "nowhere.csv"], "nowhere.csv cannot be read"),
    ],
)
def test_what_cannot_be_imported_is_refused_and_nothing_is_written(
    options: list[str], says: str, app: typer.Typer, tmp_path: Path
) -> None:
    root, out = laid_out("challenge", tmp_path / "theirs"), tmp_path / "mine"
    given = ["cohort", "import", *options, "--source", str(root), "--out", str(out)]
    done = CliRunner().invoke(app, given)
    assert isinstance(done.exception, SegwatchError)
    assert says in str(done.exception)
    assert not out.exists()
