"""The examples run, from the repository and from an installed wheel, and say what a person understands."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

import segwatch
from segwatch.phantoms.phantom import make_phantom
from segwatch.phantoms.write import write_case
from segwatch.scoring.bundle import load

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
SCORER = ("--scorer", str(ROOT / "deploy/models/demo-scorer"))
DECOY = 'raise ImportError("this is somebody else\'s folder named services")\n'
Run = Callable[..., str]


def output(command: list[str | Path], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run an example from the repository, in a folder of its own."""
    return lambda name, *given: output([sys.executable, EXAMPLES / f"{name}.py", *given], tmp_path)


def shows_a_good_and_a_bad_mask(text: str) -> None:
    good, bad = text.split("a spoiled mask: ")
    assert "the true mask: scored" in good
    assert "needs no attention" in good
    assert "needs attention\n  - " in bad


def judges_better_than_a_guess(text: str) -> None:
    found, failed = re.search(r"(\d+) of (\d+) failed masks were found", text).groups()
    error, guess = re.search(r"mean error of the predicted Dice ([\d.]+); .*: ([\d.]+)", text).groups()
    assert int(found) > int(failed) / 2
    assert float(error) < float(guess) / 2


def scores_three_and_puts_one_aside(text: str) -> None:
    assert re.search(r"^a plausible mask: scored, predicted Dice 0\.\d\d$", text, re.MULTILINE)
    assert re.search(r"^one in many pieces: scored, .*, needs attention$", text, re.MULTILINE)
    assert "an empty one: undefined, no predicted Dice, needs attention" in text
    assert "put aside, invalid_message: " in text


ALL = (
    ("measure_and_score", SCORER, shows_a_good_and_a_bad_mask),
    ("train_and_judge", (), judges_better_than_a_guess),
    ("one_stage", SCORER, scores_three_and_puts_one_aside),
)


def test_a_good_mask_and_a_spoiled_one_are_measured_and_scored(run: Run):
    shows_a_good_and_a_bad_mask(run("measure_and_score", *SCORER))


def test_files_of_ones_own_are_measured_and_scored(run: Run, tmp_path: Path):
    write_case(make_phantom(5, shape=(16, 64, 64)), tmp_path)

    text = run("measure_and_score", *SCORER, tmp_path / "ct.nii.gz", tmp_path / "lesion_truth.nii.gz")

    assert "lesion_truth.nii.gz: undefined" in text
    assert "there is no lung mask" in text


def test_a_scorer_is_trained_judged_and_written(run: Run, tmp_path: Path):
    judges_better_than_a_guess(run("train_and_judge", "--out", tmp_path / "mine"))

    assert "never for patients" in str(load(tmp_path / "mine").manifest.limits)


def test_a_stage_scores_studies_and_puts_aside_what_is_none(run: Run):
    scores_three_and_puts_one_aside(run("one_stage", *SCORER))


TRAINS_A_NETWORK = {"nnunet_on_phantoms"}
"""Takes ten minutes and more; `python -m benchmarks.onboard` stands on what it leaves."""


def test_every_example_is_run_here():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {name for name, *_ in ALL} | TRAINS_A_NETWORK


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_wheel_alone_runs_them_beside_a_folder_named_services(tmp_path: Path):
    uv = Path(sys.executable).with_name("uv")
    built, folder, python = tmp_path / "built", tmp_path / "mine", tmp_path / "venv/bin/python"
    output([uv, "build", "--wheel", "--out-dir", built], ROOT)
    (wheel,) = built.glob("segwatch-*.whl")
    inside = {name.split("/")[0] for name in ZipFile(wheel).namelist()}
    assert inside == {"segwatch", f"segwatch-{segwatch.__version__}.dist-info"}
    output([uv, "venv", "--python", sys.executable, tmp_path / "venv"], tmp_path)
    pins = ("--constraints", ROOT / "requirements/all.txt")
    output(
        [uv, "pip", "install", "--python", python, *pins, f"segwatch[evaluation] @ {wheel.as_uri()}"],
        tmp_path,
    )
    (folder / "services").mkdir(parents=True)
    (folder / "services/__init__.py").write_text(DECOY)
    for name, given, holds in ALL:
        (folder / f"{name}.py").write_bytes((EXAMPLES / f"{name}.py").read_bytes())
        holds(output([python, f"{name}.py", *given], folder))
    home = output([python, "-c", "import segwatch; print(segwatch.__file__)"], folder)
    assert str(tmp_path / "venv") in home
