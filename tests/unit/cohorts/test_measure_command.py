"""`segwatch measure` and `segwatch features`, as a user calls them."""

import json
import shutil

import matplotlib as mpl
import nibabel
import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from segwatch.cli import app
from segwatch.cohorts.measuring import How, listed, measure_case, measure_cohort
from segwatch.errors import BadInput, RefusedVolume
from segwatch.features.profiles import options
from segwatch.features.registry import MEASURED, PAPER4

AFFINE = np.diag([-0.8, -0.8, 5.0, 1.0])
FILES = {"ct": "ct.nii.gz", "lesion": "lesion_predicted.nii.gz", "lung": "lung.nii.gz"}


@pytest.fixture
def run():
    runner = CliRunner()

    def call(*words, fails=None):
        result = runner.invoke(app, [str(word) for word in words])
        if fails is not None:
            assert isinstance(result.exception, fails), result.exception
        else:
            assert result.exit_code == 0, (result.output, result.exception)
        return result

    return call


def write_case(folder, seed=0, truth=True, empty=False):
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    z, y, x = np.ogrid[:8, :24, :24]
    lesion = ((z - 4) / 3) ** 2 + ((y - 12) / 5) ** 2 + ((x - 10) / (4 + seed % 3)) ** 2 < 1
    lung = ((z - 4) / 4) ** 2 + ((y - 12) / 10) ** 2 + ((x - 12) / 11) ** 2 < 1
    ct = np.where(lesion, -300, np.where(x < 2, 40, -850)) + rng.integers(-30, 30, lesion.shape)
    volumes = {FILES["ct"]: ct, FILES["lesion"]: lesion & (not empty), FILES["lung"]: lung}
    if truth:
        volumes["lesion_truth.nii.gz"] = np.roll(lesion, 1, axis=2)
    for name, array in volumes.items():
        nibabel.save(nibabel.Nifti1Image(array.transpose(2, 1, 0).astype(np.int16), AFFINE), folder / name)
    return folder


@pytest.fixture
def case(tmp_path):
    return write_case(tmp_path / "one")


def asked(case, without=()):
    return [word for key, name in FILES.items() if key not in without for word in (f"--{key}", case / name)]


def test_json_is_all_there_is_on_standard_output(run, case):
    result = run("measure", *asked(case), "--json")
    found = json.loads(result.stdout)
    assert list(found) == ["status", "features", "undefined"]
    assert found["status"] == "measured"
    assert list(found["features"]) == list(MEASURED)
    assert found["undefined"] == {}


def test_a_feature_without_value_is_null_and_has_its_reason(run, case):
    found = json.loads(
        run("measure", *asked(case, without=("lung",)), "--json", "--features", "paper4").stdout
    )
    assert found["status"] == "partly_undefined"
    assert found["features"]["lesions_within_lungs"] is None
    assert list(found["undefined"]) == ["lesions_within_lungs"]


def test_an_empty_mask_ends_well_and_says_so(run, tmp_path):
    case = write_case(tmp_path / "empty", empty=True)
    assert json.loads(run("measure", *asked(case), "--json").stdout)["status"] == "empty"


def test_options_reach_the_measures(run, case):
    words = ["--json", "--features", "paper4"]
    plain = json.loads(run("measure", *asked(case), *words).stdout)["features"]
    for more in (["--native"], ["--profile", "authors-code"], ["--axis", "x"]):
        other = json.loads(run("measure", *asked(case), *words, *more).stdout)["features"]
        assert other["segmentation_smoothness"] != plain["segmentation_smoothness"], more


def test_a_table_is_printed_for_people(run, case):
    assert "segmentation_smoothness" in run("measure", *asked(case)).stdout


def test_refused_input_is_an_error_that_names_the_file(run, case):
    (case / FILES["lung"]).write_bytes(b"nothing")
    error = run("measure", *asked(case), "--json", fails=RefusedVolume)
    assert FILES["lung"] in str(error.exception)
    assert not error.stdout


@pytest.mark.parametrize(
    "wrong", [["--profile", "x"], ["--components", "6"], ["--ct-unit", "kelvin"], ["--features", "dice"]]
)
def test_an_option_that_there_is_not_is_refused(run, case, wrong):
    run("measure", *asked(case), *wrong, fails=BadInput)


def test_without_files_it_says_what_is_needed(run):
    assert "--ct and --lesion" in str(run("measure", fails=BadInput).exception)


@pytest.mark.parametrize("empty", [False, True])
@pytest.mark.parametrize("unit", ["auto", "hu"])
def test_a_figure_is_drawn(run, tmp_path, empty, unit):
    case = write_case(tmp_path / "drawn", empty=empty)
    with mpl.rc_context({"svg.fonttype": "none"}):
        run("measure", *asked(case), "--figure", tmp_path / "figure.svg", "--ct-unit", unit)
    run("measure", *asked(case), "--figure", tmp_path / "figure.png", "--ct-unit", unit)
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    drawn = (tmp_path / "figure.svg").read_text()
    assert all(f">{name}<" in drawn for name in PAPER4)
    assert drawn.count("(slice ") == (0 if empty else 4)
    assert (drawn.count("<image") >= 4) != empty


@pytest.mark.parametrize("name", ["figure.xyz", "figure", "no/figure.png"])
def test_a_figure_that_cannot_be_written_is_refused_before_anything_is_measured(run, tmp_path, name):
    missing = tmp_path / "ct.nii.gz"
    words = ["--ct", missing, "--lesion", missing, "--figure", tmp_path / name]
    assert name.partition("/")[0] in str(run("measure", *words, fails=BadInput).exception)


def test_a_cards_words_are_shown(run):
    assert "blind to" in run("features", "explain", "tiny_components").stdout
    assert "tiny_components" in run("features", "list").stdout
    run("features", "explain", "dice", fails=BadInput)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "cohort"
    for seed in range(3):
        write_case(folder / f"case_{seed}", seed, truth=seed < 2)
    (folder / "cohort.csv").write_text("case,patient,set\ncase_0,p,train\ncase_1,p,train\ncase_2,q,test\n")
    return folder


def test_a_cohort_is_measured_into_a_table(run, folder, tmp_path):
    (folder / "case_1" / FILES["ct"]).write_bytes(b"broken")
    run(
        "measure", "--cohort", folder, "--out", tmp_path / "t.parquet", "--workers", 1, "--features", "paper4"
    )
    table = pyarrow.parquet.read_table(tmp_path / "t.parquet").to_pydict()
    assert table["case"] == ["case_0", "case_2"]
    assert table["patient"] == ["p", "q"]
    assert table["set"] == ["train", "test"]
    assert 0 < table["dice"][0] < 1
    assert table["dice"][1] is None
    assert set(PAPER4) <= set(table)
    refused = pyarrow.csv.read_csv(tmp_path / "t.refused.csv").to_pydict()
    assert refused["case"] == ["case_1"]
    assert refused["refused"] == ["truncated_file"]
    assert {path.name for path in tmp_path.iterdir()} == {"cohort", "t.parquet", "t.refused.csv"}


def test_a_cohorts_row_is_what_measuring_the_case_gives(run, folder):
    case = listed(folder)[0]
    row = measure_case(case, How(options(), PAPER4))
    alone = json.loads(run("measure", *asked(case.folder), "--json", "--features", "paper4").stdout)
    assert {name: row[name] for name in PAPER4} == alone["features"]


def test_a_second_start_measures_only_what_is_missing(folder, tmp_path):
    how, parts, measured = How(options(), PAPER4), tmp_path / "parts", []

    def one_by_one(cases, how):
        for case in cases:
            measured.append(case.name)
            yield case, measure_case(case, how)

    def start():
        measured.clear()
        return measure_cohort(listed(folder), how, parts, done=lambda: None, measured=one_by_one)

    rows = start()
    assert measured == ["case_0", "case_1", "case_2"]
    row_of("case_1", parts).unlink()
    assert start() == rows
    assert measured == ["case_1"]
    shutil.copy(folder / "case_0" / FILES["lung"], folder / "case_2" / FILES["lesion"])
    assert start() != rows
    assert measured == ["case_2"]


def test_what_nobody_expected_in_one_case_is_a_row_like_any_other(folder):
    case = listed(folder)[0]
    how = How(options(), ("no_such_feature",))
    row = measure_case(case, how)
    assert row["refused"] == "unexpected_KeyError"


def test_a_table_among_the_cases_is_finished_by_a_second_start(run, folder):
    """What the first start kept is no case."""
    out = folder / "t.csv"
    parts = folder / ".t.csv.parts"
    measure_cohort(listed(folder)[:1], How(options(), PAPER4), parts, done=lambda: None, measured=one_by_one)
    row_of("case_0", parts).write_text("{")  # damaged: measured again
    run("measure", "--cohort", folder, "--out", out, "--workers", 1, "--features", "paper4")
    assert pyarrow.csv.read_csv(out).to_pydict()["case"] == ["case_0", "case_1", "case_2"]
    assert not parts.exists()


def test_a_case_that_changes_while_it_is_measured_is_measured_again(folder, tmp_path):
    how, parts, measured = How(options(), PAPER4), tmp_path / "parts", []

    def changed_meanwhile(cases, how):
        for case in cases:
            measured.append(case.name)
            yield case, measure_case(case, how)
            shutil.copy(folder / "case_0" / FILES["lung"], folder / "case_2" / FILES["lesion"])

    for _ in range(2):
        rows = measure_cohort(listed(folder)[2:], how, parts, done=lambda: None, measured=changed_meanwhile)
    assert measured == ["case_2", "case_2"]
    assert rows == [measure_case(listed(folder)[2], how)]


def row_of(case, parts):
    """The file that holds the case's row."""
    return next(path for path in parts.iterdir() if f'"{case}"' in path.read_text())


def one_by_one(cases, how):
    return ((case, measure_case(case, how)) for case in cases)


def test_a_table_that_cannot_be_written_is_an_error_in_words(run, folder, tmp_path):
    (tmp_path / "t.csv").mkdir()
    assert "is a folder" in str(
        run("measure", "--cohort", folder, "--out", tmp_path / "t.csv", fails=BadInput).exception
    )
    (tmp_path / ".u.csv.parts").write_text("a file where a folder is needed")
    words = ["measure", "--cohort", folder, "--out", tmp_path / "u.csv", "--workers", 1]
    assert "cannot be read or written" in str(run(*words, fails=RefusedVolume).exception)


def test_a_list_in_another_encoding_is_an_error_in_words(folder):
    (folder / "cohort.csv").write_bytes("case,patient,set\ncase_0,Müller,train\n".encode("latin-1"))
    with pytest.raises(BadInput, match="UTF-8"):
        listed(folder)


@pytest.mark.parametrize("name", ["..", ".", "a/b"])
def test_a_list_names_folders_only(folder, name):
    (folder / "cohort.csv").write_text(f"case,patient,set\n{name},p,train\n")
    with pytest.raises(BadInput, match="no folder's name"):
        listed(folder)


def test_options_for_one_case_do_not_go_with_a_cohort(run, folder, tmp_path):
    words = ["measure", "--cohort", folder, "--out", tmp_path / "t.csv", "--json"]
    assert "--json" in str(run(*words, fails=BadInput).exception)


def test_without_a_list_every_case_is_its_own_patient(folder):
    (folder / "cohort.csv").unlink()
    assert [(case.name, case.patient, case.set) for case in listed(folder)] == [
        (f"case_{seed}", f"case_{seed}", "all") for seed in range(3)
    ]


def test_a_list_may_have_semicolons(folder):
    before = listed(folder)
    table = folder / "cohort.csv"
    table.write_text(table.read_text().replace(",", ";"))
    assert listed(folder) == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("case,patient,set\ncase_0,p,train\n", "does not name the case case_1"),
        ("case,patient\ncase_0,p\n", "needs case, patient and set"),
        ("case,patient,set\ncase_0,p,train\ncase_0,p,train\n", "twice"),
        ("case,patient,set\n../x,p,train\n", "no folder's name"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(folder, text, says):
    (folder / "cohort.csv").write_text(text)
    with pytest.raises(BadInput, match=says):
        listed(folder)


def test_a_folder_without_cases_is_refused(tmp_path):
    (tmp_path / "none").mkdir()
    for folder in (tmp_path / "none", tmp_path / "missing"):
        with pytest.raises(BadInput):
            listed(folder)


def test_a_table_is_parquet_or_csv(run, folder, tmp_path):
    run("measure", "--cohort", folder, "--out", tmp_path / "t.xlsx", fails=BadInput)
    run("measure", "--cohort", folder, fails=BadInput)
