"""What the site's rules make of an examination, for people: which series, by which rule, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from segwatch.contracts.intake import IntakeRules
from segwatch.errors import BadInput
from segwatch.intake.selection import SeriesVerdict, select
from segwatch.intake.series import series_of
from segwatch.volumes.dicom_slices import read_header
from segwatch.volumes.read import dicom_files


@dataclass(frozen=True, slots=True)
class Explained:
    """One series as a line of a table."""

    verdict: str
    rule: str
    images: int
    odd: str
    orientation: str
    slices: int | None
    slice_distance_mm: float | None
    image_type: str
    kernel: str
    description: str
    why: str


def explain(folder: Path, rules: IntakeRules) -> list[Explained]:
    """What becomes of each series below a folder, the chosen ones first.

    Raises:
        BadInput: the folder holds no DICOM file. RefusedVolume: a file cannot be read.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder: give one with the DICOM files of an examination")
    headers = {path: read_header(path) for path in dicom_files(folder)}
    if not headers:
        raise BadInput(f"{folder} holds no DICOM files")
    series = series_of(headers)
    judged = [
        each
        for study in sorted({one.study_uid for one in series})
        for each in select([one for one in series if one.study_uid == study], rules)
    ]
    return [_line(each) for each in _chosen_first(judged)]


def _chosen_first(judged: Sequence[SeriesVerdict]) -> list[SeriesVerdict]:
    order = ("chosen", "mask", "not_chosen", "no_rule", "set_aside")
    return sorted(judged, key=lambda each: (order.index(each.verdict), each.rule, each.series.uid))


def _line(each: SeriesVerdict) -> Explained:
    series = each.series
    return Explained(
        each.verdict,
        each.rule,
        len(series.files),
        ", ".join(sorted({odd.kind for odd in series.odd})),
        series.orientation or "unknown",
        series.places,
        series.slice_distance_mm,
        printable("\\".join(series.image_type)),
        printable(series.kernel),
        printable(series.description),
        each.why,
    )


def printable(text: str) -> str:
    """Text of a stranger's without characters that would command a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
