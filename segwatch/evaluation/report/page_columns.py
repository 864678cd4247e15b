"""The columns of the report's tables: what each shows of a set's entry in `report.json`."""

from collections.abc import Callable, Mapping
from typing import Any

from segwatch.evaluation.set_entries import Entry

Cell = str
Columns = Mapping[str, Callable[[Entry], Cell]]


def share(key: str) -> Callable[[Entry], Cell]:
    """A cell with a figure and its interval beneath."""
    return lambda entry: figure(entry, key)


def figure(entry: Entry, key: str, beside: str = "") -> Cell:
    """A figure, `beside` after it, its interval in small print; a dash where it has no value."""
    if entry[key] is None:
        return "–"
    return f"{number(entry[key], 2)}{beside}{interval(entry.get(f'{key}_ci'))}"


def interval(bounds: Any) -> str:  # noqa: ANN401 - two numbers, or None
    """The bounds in small print; nothing where there are none."""
    return "" if bounds is None else f" <small>[{number(bounds[0], 2)}, {number(bounds[1], 2)}]</small>"


def number(value: float | None, digits: int) -> str:
    """Rounded, and never -0.00."""
    return "–" if value is None else f"{round(value, digits) + 0.0:.{digits}f}"


def _counted(entry: Entry) -> Cell:
    return figure(entry, "sensitivity", f" ({entry['found']}/{entry['failed']})")


def _spread(entry: Entry) -> Cell:
    return figure(entry, "mae", "" if entry["mae_std"] is None else f" ± {entry['mae_std']:.2f}")


def _held(key: str) -> Callable[[Entry], Cell]:
    return lambda entry: figure(entry["interval"], key)


def _weighted(key: str) -> Callable[[Entry], Cell]:
    return lambda entry: "–" if entry["interval"]["weighted"] is None else figure(_of(entry), key)


def _rows(entry: Entry) -> Cell:
    return "–" if entry["interval"]["weighted"] is None else number(_of(entry)["effective"], 0)


def _of(entry: Entry) -> Entry:
    weighted: Entry = entry["interval"]["weighted"]
    return weighted


TABLE2: Columns = {
    "sensitivity": _counted,
    "bin spec. (micro)": share("bin_specificity_micro"),
    "MAE ± std": _spread,
}
BESIDE: Columns = {
    "n": lambda entry: str(entry["n"]),
    "patients": lambda entry: str(entry["patients"]),
    "undefined": lambda entry: str(entry["n_undefined"]),
    "binary specificity": share("binary_specificity"),
    "PPV": share("ppv"),
    "AUROC": share("auroc"),
    "5-bin accuracy": share("accuracy"),
    "bias": share("bias"),
    "MAE, authors' code": share("mae_authors_code"),
    "mean risk": lambda entry: f"{entry['risk_coverage']['aurc']:.2f}",
}
BOOTSTRAP: Columns = {
    name: (lambda entry, key=key: interval(entry.get(f"{key}_bootstrap_ci")).strip() or "–")  # type: ignore[misc]
    for name, key in (
        ("sensitivity", "sensitivity"),
        ("bin spec. (micro)", "bin_specificity_micro"),
        ("binary specificity", "binary_specificity"),
        ("AUROC", "auroc"),
        ("MAE", "mae"),
    )
}
INTERVALS: Columns = {
    "n": lambda entry: str(entry["interval"]["n"]),
    "outside": _held("outside"),
    "half-width": _held("half_width"),
    "covered": _held("covered"),
    "worst patient": _held("worst_patient"),
    "weighted: rows": _rows,
    "half-width, weighted": _weighted("half_width"),
    "covered, weighted": _weighted("covered"),
    "worst patient, weighted": _weighted("worst_patient"),
}
