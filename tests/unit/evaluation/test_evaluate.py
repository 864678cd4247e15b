"""`segwatch evaluate`: every figure again, from scikit-learn alone and from the table as it was written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import confusion_matrix, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from typer.testing import CliRunner

from segwatch import processes
from segwatch.cohorts.table import Cohort
from segwatch.errors import RefusedCohort, SegwatchError
from segwatch.evaluation import bootstrap
from segwatch.evaluation import cli as evaluation
from segwatch.evaluation import evaluate as evaluating
from segwatch.evaluation.bootstrap import Chunk
from segwatch.evaluation.evaluate import EvaluateOptions, evaluate
from segwatch.evaluation.plan import plan_of
from segwatch.features.registry import PAPER4
from segwatch.statistics.resampling import FIGURES
from segwatch.training import cli as training
from tests.support.cohorts import written_cohort

MakeCohort = Callable[..., Cohort]
Report = dict[str, Any]
MODELS = {
    "lr": lambda: LogisticRegression(class_weight="balanced", C=1.0, max_iter=10_000, random_state=0),
    "svm": lambda: SVC(kernel="rbf", class_weight="balanced", random_state=0),
    "rr": lambda: Ridge(alpha=1.0),
    "svr": lambda: SVR(kernel="rbf"),
}


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    for room in (training, evaluation):
        room.register(made)
    return made


@pytest.fixture
def cohort(make_cohort: MakeCohort) -> Cohort:
    """`train`, `test` with two undefined studies, and `far` without a failed one."""
    made = make_cohort(patients=60, tests=24, gaps=2)
    made.sets[-14:] = "far"
    made.dice[-14:] = np.linspace(0.62, 0.93, 14)
    return made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ablations are not what these tests are about."""
    monkeypatch.setattr(evaluating, "left_out", lambda features, asked=(): [])


def asked(parts: Path, **other: Any) -> EvaluateOptions:
    chosen: Report = {
        "feature_set": "paper4",
        "features": PAPER4,
        "models": ("lr",),
        "bundles": {},
        "replicates": 0,
        "leave_patient_out": False,
        "without": (),
        "seed": 0,
        "workers": 1,
        "parts": parts,
    }
    return EvaluateOptions(**{**chosen, **other})


def report_of(cohort: Cohort, parts: Path, **other: Any) -> Report:
    found: Report = json.loads(evaluate(cohort, asked(parts, **other), lambda _: None).report.written())
    return found


def bins(dice: np.ndarray) -> np.ndarray:
    return np.digitize(dice, [0.2, 0.4, 0.6, 0.8])


def recomputed(name: str, train: Cohort, rows: Cohort) -> Report:
    """The definitions of docs/evaluation.md, written down a second time."""
    there = ~np.isnan(rows.values).any(axis=1)
    known = ~np.isnan(train.values).any(axis=1)
    classifier = name in ("lr", "svm")
    target = bins(train.dice[known]) if classifier else train.dice[known]
    model = make_pipeline(StandardScaler(), MODELS[name]()).fit(train.values[known], target)
    said = model.predict(rows.values[there])
    found = np.zeros(len(rows), dtype=int)
    found[there] = said if classifier else bins(np.clip(said, 0, 1))
    truly, flagged = rows.dice < 0.6, found < 3
    matrix = confusion_matrix(bins(rows.dice), found, labels=range(5))
    false = matrix.sum(axis=0) - np.diag(matrix)
    negatives = matrix.sum() - matrix.sum(axis=1)
    report: Report = {
        "n": len(rows),
        "failed": int(truly.sum()),
        "found": int((truly & flagged).sum()),
        "n_undefined": int((~there).sum()),
        "sensitivity": (truly & flagged).sum() / truly.sum() if truly.any() else None,
        "binary_specificity": (~truly & ~flagged).sum() / (~truly).sum(),
        "bin_specificity_micro": (negatives - false).sum() / negatives.sum(),
        "accuracy": (found == bins(rows.dice)).mean(),
    }
    dice, score = rows.dice[there], np.full(len(rows), 10.0)
    if name == "lr":
        shares = model.predict_proba(rows.values[there])
        predicted, score[there] = shares @ [0.1, 0.3, 0.5, 0.7, 0.9], shares[:, :3].sum(axis=1)
    if classifier:
        report["mae_authors_code"] = np.abs(said / 4 - dice).mean()
    else:
        predicted, score[there] = np.clip(said, 0, 1), -np.clip(said, 0, 1)
        report["mae_authors_code"] = np.abs(said - dice).mean()
    if name != "svm":
        error = np.abs(predicted - dice)
        report |= {"mae": error.mean(), "mae_std": error.std()}
        report["auroc"] = roc_auc_score(truly, score) if truly.any() else None
    return report


@pytest.mark.parametrize("model", MODELS)
def test_each_figure_of_each_set_is_what_scikit_learn_and_the_definitions_give(
    model: str, cohort: Cohort, tmp_path: Path
) -> None:
    report = report_of(cohort, tmp_path, models=(model,))
    train = cohort.of_set("train")
    for name in ("train", "test", "far"):
        found = report["models"][model]["sets"][name]
        for figure, value in recomputed(model, train, cohort.of_set(name)).items():
            assert found[figure] == (None if value is None else pytest.approx(value, abs=1e-12)), figure
        assert found["resubstitution"] == (name == "train")
    assert report["models"][model]["sets"]["far"]["sensitivity_ci"] is None


def test_each_figures_interval_holds_it_and_the_constants_stand_beside(
    cohort: Cohort, tmp_path: Path
) -> None:
    report = report_of(cohort, tmp_path, models=("rr",))
    entry = report["models"]["rr"]["sets"]["test"]
    for figure in ("sensitivity", "bin_specificity_micro", "binary_specificity", "auroc", "mae", "mae_std"):
        low, high = entry[f"{figure}_ci"]
        assert low <= entry[figure] <= high
    assert entry["mae_ci"][0] < entry["mae_ci"][1]
    # All were found, so resampling gives no width: the exact interval stands beside.
    assert entry["sensitivity_ci"] == [1.0, 1.0]
    assert entry["sensitivity_exact_ci"] == pytest.approx([0.025 ** (1 / entry["failed"]), 1.0])
    train, test = cohort.of_set("train"), cohort.of_set("test")
    mean = train.dice[train.defined].mean()
    constant = report["constants"]["constant_mean"]
    assert constant["predicted_dice"] == pytest.approx(mean)
    assert constant["sets"]["test"]["mae"] == pytest.approx(np.abs(test.dice - mean).mean())
    assert report["constants"]["all_flagged"]["sets"]["test"]["sensitivity"] == 1.0


def test_an_ablation_is_the_model_of_the_other_features(cohort: Cohort, tmp_path: Path) -> None:
    report = report_of(cohort, tmp_path)
    ablations = {tuple(each["left_out"]): each for each in report["ablation"]["lr"]}
    assert len(ablations) == 14
    kept = ("connected_components", "intensity_mode", "lesions_within_lungs")
    without = ablations[("segmentation_smoothness",)]
    assert without["features"] == list(kept)
    alone = report_of(cohort, tmp_path, features=kept)["models"]["lr"]["sets"]["test"]
    assert alone["n_undefined"] == 0
    for figure in ("sensitivity", "auroc", "mae", "mae_ci"):
        assert without["sets"]["test"][figure] == alone[figure]


def test_many_features_are_left_out_one_by_one_and_as_asked(cohort: Cohort, tmp_path: Path) -> None:
    doubled = Cohort(
        cohort.cases,
        cohort.patients,
        cohort.sets,
        cohort.dice,
        (*PAPER4, "more"),
        np.column_stack([cohort.values, np.arange(len(cohort))]),
    )
    options = {"features": doubled.features, "without": (("more", "intensity_mode"),)}
    left_out = [each["left_out"] for each in report_of(doubled, tmp_path, **options)["ablation"]["lr"]]
    assert left_out == [[name] for name in doubled.features] + [["intensity_mode", "more"]]
    with pytest.raises(RefusedCohort, match="cannot leave out roundness"):
        report_of(doubled, tmp_path, **{**options, "without": (("roundness",),)})


@pytest.mark.usefixtures("quick")
def test_without_a_patient_no_row_is_judged_by_a_model_that_saw_its_patient(
    cohort: Cohort, tmp_path: Path
) -> None:
    shared = Cohort(
        cohort.cases,
        np.where(cohort.sets == "far", cohort.patients[: len(cohort)][::-1], cohort.patients),
        cohort.sets,
        cohort.dice,
        cohort.features,
        cohort.values,
    )
    assert set(shared.of_set("far").patients) & set(shared.of_set("train").patients)
    plan = plan_of(shared, leave_patient_out=True)
    judged = np.zeros(len(shared), dtype=int)
    for split in plan.splits:
        assert not set(plan.train.patients[split.learn]) & set(shared.patients[split.predict])
        judged += split.predict
    assert (judged == 1).all()
    report = report_of(shared, tmp_path, models=("rr",), leave_patient_out=True, replicates=2)
    assert not report["models"]["rr"]["sets"]["train"]["resubstitution"]
    patient = shared.of_set("far").patients[0]
    rows = shared.rows(np.asarray((shared.sets == "far") & (shared.patients == patient)))
    train = shared.of_set("train")
    expected = recomputed("rr", train.rows(train.patients != patient), rows)["mae"]
    judged_rows = evaluate(
        shared, asked(tmp_path, models=("rr",), leave_patient_out=True), lambda _: None
    ).judged["rr"]
    chosen = (shared.sets == "far") & (shared.patients == patient)
    assert np.abs(judged_rows.predicted - shared.dice)[chosen].mean() == pytest.approx(expected)


@pytest.mark.usefixtures("quick")
def test_the_same_seed_gives_the_same_figures_whatever_the_number_of_processes(
    cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "ALONE_SECONDS", 0.0)
    options: Report = {"models": ("lr", "rr"), "replicates": 55}
    alone = report_of(cohort, tmp_path / "a", **options)
    several = report_of(cohort, tmp_path / "b", workers=2, **options)
    assert alone == several
    other = report_of(cohort, tmp_path / "c", seed=1, **options)
    assert other["bootstrap"]["models"] != alone["bootstrap"]["models"]
    entry = alone["models"]["lr"]["sets"]["test"]
    for suffix in ("_ci", "_bootstrap_ci"):
        low, high = entry[f"mae{suffix}"]
        assert low < entry["mae"] < high
    paper, patients = (
        alone["bootstrap"]["models"]["rr"][way]["test"]["mae"] for way in ("points", "patients")
    )
    assert paper["sd"] < patients["sd"]


@pytest.mark.usefixtures("quick")
def test_what_an_earlier_start_finished_is_not_fitted_again(
    cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted = []
    run = bootstrap.run
    monkeypatch.setattr(bootstrap, "run", lambda plan, chunk: fitted.append(chunk) or run(plan, chunk))
    first = report_of(cohort, tmp_path, replicates=120)
    assert len(fitted) == 6
    next(tmp_path.glob("*.npz")).unlink()
    again = report_of(cohort, tmp_path, replicates=120)
    assert len(fitted) == 7
    assert first == again


@pytest.mark.parametrize("model", ["lr", "svm"])
def test_a_resample_with_one_bin_only_says_that_bin(model: str, cohort: Cohort) -> None:
    cohort.dice[:] = 0.9
    cohort.dice[[2, 4]] = 0.1
    found = bootstrap.run(plan_of(cohort), Chunk(model, "patients", 0, 0, 20))
    accuracy = found[:, cohort.set_names.index("far"), FIGURES.index("accuracy")]
    assert (accuracy == 1.0).any()
    assert not np.isnan(accuracy).any()


@pytest.mark.usefixtures("quick")
def test_the_command_writes_one_report_that_names_what_it_was_made_from(
    app: typer.Typer, cohort: Cohort, tmp_path: Path
) -> None:
    table = written_cohort(cohort, tmp_path / "cohort.csv")
    out = tmp_path / "report"
    options = [
        "evaluate",
        "--cohort",
        str(table),
        "--out",
        str(out),
        "--bootstrap",
        "3",
        "--models",
        "rr,lr",
        "--workers",
        "1",
    ]
    done = CliRunner().invoke(app, options)
    assert done.exit_code == 0, done.output
    report = json.loads((out / "report.json").read_text())
    assert report["cohort"]["sha256"] == cohort.sha256()
    assert list(report["models"]) == ["rr", "lr"]
    assert {"constants", "bootstrap", "p_value", "ablation"} <= set(report)
    assert report["p_value"]["rr"]["far"]["largest_rejected"] is None


def test_a_bundle_is_judged_as_it_is_served(app: typer.Typer, cohort: Cohort, tmp_path: Path) -> None:
    table, bundle, out = (
        written_cohort(cohort, tmp_path / "cohort.csv"),
        tmp_path / "bundle",
        tmp_path / "report",
    )
    trained = CliRunner().invoke(app, ["train", "--cohort", str(table), "--out", str(bundle)])
    assert trained.exit_code == 0, trained.output
    rows = cohort.rows(np.asarray(cohort.sets != "train"))
    alone = written_cohort(rows, tmp_path / "test.csv")
    options = ["evaluate", "--cohort", str(alone), "--out", str(out), "--bundle", str(bundle)]
    done = CliRunner().invoke(app, options)
    assert done.exit_code == 0, done.output
    report = json.loads((out / "report.json").read_text())
    entry = report["models"]["lr-paper4"]
    assert entry["judged"] == "as served"
    assert set(entry["sets"]) == {"test", "far"}
    page = (out / "report.html").read_text()
    for word in ("paper4,", "Features:", "resubstitution", "Retrainings of each", "The paper's bootstrap"):
        assert word not in page.replace("lr-paper4", "")
    train = cohort.of_set("train")
    mean = train.dice[train.defined].mean()
    assert report["constants"]["constant_mean"]["predicted_dice"] == pytest.approx(mean)


@pytest.mark.parametrize("shift", [0.0, 0.01])
def test_a_bundle_is_told_to_have_learnt_from_a_set_only_where_these_were_its_rows(
    app: typer.Typer, cohort: Cohort, tmp_path: Path, shift: float
) -> None:
    table, bundle, out = (
        written_cohort(cohort, tmp_path / "cohort.csv"),
        tmp_path / "bundle",
        tmp_path / "report",
    )
    assert CliRunner().invoke(app, ["train", "--cohort", str(table), "--out", str(bundle)]).exit_code == 0
    cohort.values[:, 2] += shift
    written_cohort(cohort, table)
    options = ["evaluate", "--cohort", str(table), "--out", str(out), "--bundle", str(bundle)]
    done = CliRunner().invoke(app, options)
    assert done.exit_code == 0, done.output
    sets = json.loads((out / "report.json").read_text())["models"]["lr-paper4"]["sets"]
    assert [entry["resubstitution"] for entry in sets.values()] == [not shift, False, False]
    assert ("resubstitution" in (out / "report.html").read_text()) is not bool(shift)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--models", "forest"], "no model 'forest'; there are lr"),
        (["--features", "intensity_mode,roundness"], "no feature is called 'roundness'"),
        (["--features", "paper9"], "no feature set 'paper9'"),
        (["--features", "lesion_volume_ml"], "lacks the columns lesion_volume_ml"),
        (["--bundle", "nowhere"], "cannot read nowhere"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_and_nothing_is_written(
    options: list[str], says: str, app: typer.Typer, cohort: Cohort, tmp_path: Path
) -> None:
    table, out = written_cohort(cohort, tmp_path / "cohort.csv"), tmp_path / "report"
    done = CliRunner().invoke(app, ["evaluate", "--cohort", str(table), "--out", str(out), *options])
    assert isinstance(done.exception, SegwatchError)
    assert says in str(done.exception)
    assert not out.exists()


@pytest.mark.usefixtures("quick")
def test_a_patient_on_both_sides_is_refused_unless_left_out(
    app: typer.Typer, cohort: Cohort, tmp_path: Path
) -> None:
    cohort.patients[-1] = cohort.patients[0]
    table, out = written_cohort(cohort, tmp_path / "cohort.csv"), tmp_path / "report"
    options = ["evaluate", "--cohort", str(table), "--out", str(out), "--models", "rr", "--bootstrap", "0"]
    refused = CliRunner().invoke(app, options)
    assert "is in 'train' and in a test set" in str(refused.exception)
    done = CliRunner().invoke(app, [*options, "--leave-patient-out"])
    assert done.exit_code == 0, done.output
