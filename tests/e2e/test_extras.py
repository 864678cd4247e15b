"""Each command in an environment that has the wheel and the extra that its docs page names, and no other."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
MODELS = ROOT / "deploy" / "models"
POLICY = ROOT / "deploy" / "policy" / "default.yaml"
CASE = "phantom_standard_00000"
SECONDS = 600
Run = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2 * SECONDS)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run([UV, "build", "--quiet", "--wheel", "--out-dir", out, ROOT], check=True, timeout=SECONDS)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def install(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """Makes an environment with an extra; gives what runs `segwatch` in it, elsewhere than here."""
    made: dict[str, Path] = {}
    work, numba = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("numba")
    settings = {"SEGWATCH_LOG": "embedded", "SEGWATCH_LOG_FILE": str(work / "log.db")}

    def environment(extra: str) -> Run:
        if extra not in made:
            made[extra] = tmp_path_factory.mktemp("environment")
            what = f"segwatch[{extra}] @ {wheel.as_uri()}" if extra else f"segwatch @ {wheel.as_uri()}"
            python = made[extra] / "bin" / "python"
            pins = ["--constraints", ROOT / "requirements" / "all.txt"]
            for words in (
                ["venv", "--quiet", "--clear", "--python", sys.executable, made[extra]],
                ["pip", "install", "--quiet", "--python", python, *pins, what],
            ):
                subprocess.run([UV, *words], check=True, timeout=SECONDS)

        def run(line: str, code: int = 0) -> subprocess.CompletedProcess[str]:
            clean = {name: value for name, value in os.environ.items() if not name.startswith("SEGWATCH_")}
            done = subprocess.run(
                [made[extra] / "bin" / "segwatch", *line.split()],
                cwd=work,
                env={**clean, **settings, "NUMBA_CACHE_DIR": str(numba)},
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
            assert done.returncode == code, done.stdout + done.stderr
            assert "Traceback" not in done.stderr
            return done

        return run

    return environment


def test_without_an_extra_the_log_is_worked_with_and_all_else_is_a_sentence(
    install: Callable[[str], Run],
) -> None:
    run = install("")
    run("topics create")
    run("deadletters list")
    for line, extra in (
        ("features list", "features"),
        ("measure --ct a --lesion b", "features"),
        ("phantom --out p", "features"),
        (f"models show {MODELS / 'demo-scorer'}", "scoring"),
        (f"privacy explain --policy {POLICY}", "aggregation"),
        ("train --cohort t.csv --out b", "evaluation"),
        ("evaluate --cohort t.csv --out r", "evaluation"),
        ("bundle --from a --out b --name c", "segmentation"),
    ):
        assert f'pip install "segwatch[{extra}]"' in run(line, code=2).stderr


def test_with_features_a_case_is_measured_and_more_is_a_sentence(install: Callable[[str], Run]) -> None:
    run = install("features")
    run("features list")
    run("features explain intensity_mode")
    run("phantom --out phantoms")
    case = f"measure --ct phantoms/{CASE}/ct.nii.gz --lesion phantoms/{CASE}/lesion_truth.nii.gz"
    first, second = (run(f"{case} --json") for _ in range(2))
    assert json.loads(first.stdout)["features"]["connected_components"] > 0
    assert "compiling the measures for this machine, once" in first.stderr
    assert second.stderr == ""
    assert "connected_components" in run(case).stdout
    for line in (f"{case} --figure f.png", "measure --cohort phantoms --out t.csv"):
        assert 'pip install "segwatch[evaluation]"' in run(line, code=2).stderr


def test_with_scoring_bundles_are_shown_and_verified(install: Callable[[str], Run]) -> None:
    run = install("scoring")
    assert "sha256" in run(f"models show {MODELS / 'demo-scorer'}").stdout
    assert "loads" in run(f"models verify {MODELS}").stdout


def test_with_aggregation_what_leaves_is_explained(install: Callable[[str], Run]) -> None:
    run = install("aggregation")
    run(f"privacy explain --policy {POLICY}")
    run("privacy budget")


def test_with_evaluation_a_cohort_is_measured_and_a_scorer_trained_and_judged(
    install: Callable[[str], Run], tmp_path: Path
) -> None:
    run = install("evaluation")
    run(f"phantom --count 12 --out {tmp_path}/cases")
    cases = sorted((tmp_path / "cases").iterdir())
    for number, case in enumerate(cases):  # every other mask is that of another patient
        said = case if number % 2 else cases[number - 1]
        shutil.copy(said / "lesion_truth.nii.gz", case / "lesion_predicted.nii.gz")
    rows = "".join(f"{case.name},{case.name},train\n" for case in cases)
    (tmp_path / "cases" / "cohort.csv").write_text(f"case,patient,set\n{rows}")
    files = f"--ct {cases[0]}/ct.nii.gz --lesion {cases[0]}/lesion_truth.nii.gz"
    run(f"measure {files} --features paper4 --figure {tmp_path}/figure.png")
    run(f"measure --cohort {tmp_path}/cases --out {tmp_path}/cohort.csv --features paper4")
    run(f"train --cohort {tmp_path}/cohort.csv --out {tmp_path}/bundle")
    run(f"evaluate --cohort {tmp_path}/cohort.csv --models lr --bootstrap 2 --out {tmp_path}/report")
    assert (tmp_path / "figure.png").is_file()
    assert (tmp_path / "report" / "report.html").is_file()
