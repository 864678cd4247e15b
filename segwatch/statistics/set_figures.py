"""Every figure of a set with its interval, and the columns under which tables show them."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from segwatch.arrays import Texts
from segwatch.contracts.base import Contract
from segwatch.statistics.binomial import exact_interval
from segwatch.statistics.figures import counts
from segwatch.statistics.resampling import FIGURES, RESAMPLES, Bounds, figures_of_resamples, patient_intervals
from segwatch.statistics.verdicts import Judged


class SetFigures(Contract):
    """Figures of a set under the names of `report.json`; None where the set cannot give one.

    `…_ci` is a 95 % interval that resamples patients; `…_exact_ci` takes studies as independent, and has
    width where all were found. `resubstitution`: whether the model was fitted on these rows.
    """

    resubstitution: bool = False
    patients: int
    n: int
    failed: int
    found: int
    n_undefined: int
    sensitivity: float | None
    bin_specificity_micro: float | None
    binary_specificity: float | None
    ppv: float | None
    auroc: float | None
    accuracy: float | None
    mae: float | None
    mae_std: float | None
    mae_authors_code: float | None
    bias: float | None
    aurc_dice: float | None
    pearson: float | None
    spearman: float | None
    sensitivity_ci: Bounds | None
    bin_specificity_micro_ci: Bounds | None
    binary_specificity_ci: Bounds | None
    ppv_ci: Bounds | None
    auroc_ci: Bounds | None
    accuracy_ci: Bounds | None
    mae_ci: Bounds | None
    mae_std_ci: Bounds | None
    mae_authors_code_ci: Bounds | None
    bias_ci: Bounds | None
    aurc_dice_ci: Bounds | None
    pearson_ci: Bounds | None
    spearman_ci: Bounds | None
    sensitivity_exact_ci: Bounds | None
    binary_specificity_exact_ci: Bounds | None


def set_figures(judged: Judged, patients: Texts, resamples: int = RESAMPLES) -> SetFigures:
    """The figures of a set's studies, whose patients are (n,), with intervals that keep the model."""
    found = figures_of_resamples(judged, np.ones((1, len(judged))))
    intervals = patient_intervals(judged, patients, resamples=resamples)
    number = counts(judged)
    good = number["n"] - number["failed"]
    passed = round(good * float(found["binary_specificity"][0])) if good else 0
    values: dict[str, Any] = {
        "patients": len(set(patients.tolist())),
        **number,
        **{name: defined(float(found[name][0])) for name in FIGURES},
        **{f"{name}_ci": intervals[name] for name in FIGURES},
        "sensitivity_exact_ci": exact_interval(number["found"], number["failed"]),
        "binary_specificity_exact_ci": exact_interval(passed, good),
    }
    return SetFigures(**values)


def defined(value: float) -> float | None:
    """A figure; None where it is not defined (NaN)."""
    return None if np.isnan(value) else float(value)


class Cell(NamedTuple):
    """What a table shows of a figure: text, and its interval."""

    text: str
    interval: Bounds | None = None

    def __str__(self) -> str:
        return self.text if self.interval is None else f"{self.text} {in_brackets(self.interval)}"


Column = Callable[[SetFigures], Cell]


def in_brackets(bounds: Bounds) -> str:
    """The bounds, rounded."""
    return f"[{rounded(bounds[0], 2)}, {rounded(bounds[1], 2)}]"


def rounded(value: float | None, digits: int) -> str:
    """Rounded, and never -0.00; a dash where there is no value."""
    return "–" if value is None else f"{round(value, digits) + 0.0:.{digits}f}"


def cell(entry: Contract, name: str, beside: str = "") -> Cell:
    """The figure of that name, `beside` after it, and its interval."""
    value = getattr(entry, name)
    if value is None:
        return Cell("–")
    return Cell(f"{rounded(value, 2)}{beside}", getattr(entry, f"{name}_ci", None))


def figure(name: str) -> Column:
    """The column of a figure."""
    return lambda entry: cell(entry, name)


def _mae(entry: SetFigures) -> Cell:
    return cell(entry, "mae", "" if entry.mae_std is None else f" ± {entry.mae_std:.2f}")


COLUMNS: Mapping[str, Column] = {
    "n": lambda entry: Cell(str(entry.n)),
    "patients": lambda entry: Cell(str(entry.patients)),
    "undefined": lambda entry: Cell(str(entry.n_undefined)),
    "sensitivity": lambda entry: cell(entry, "sensitivity", f" ({entry.found}/{entry.failed})"),
    "bin specificity (micro)": figure("bin_specificity_micro"),
    "MAE ± std": _mae,
    "binary specificity": figure("binary_specificity"),
    "PPV": figure("ppv"),
    "AUROC": figure("auroc"),
    "5-bin accuracy": figure("accuracy"),
    "bias": figure("bias"),
    "AURC": figure("aurc_dice"),
    "Pearson": figure("pearson"),
    "Spearman": figure("spearman"),
    "MAE, authors' code": figure("mae_authors_code"),
}
TABLE2 = ("sensitivity", "bin specificity (micro)", "MAE ± std")
"""The columns of the paper's Table 2."""
RANKING = ("AURC", "Pearson", "Spearman")
"""How well predicted Dice follows and orders the true."""
BESIDE_TABLE2 = ("undefined", "binary specificity", "PPV", "AUROC", "5-bin accuracy")
"""What Table 2 cannot show."""
