"""Every figure of every set, once, with its interval: what tables and model cards are printed from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from segwatch.cohorts.table import Cohort
from segwatch.statistics.figures import Figures, Judged, counts, figures
from segwatch.statistics.patient_intervals import RESAMPLES, Interval, patient_intervals

NOTE = (
    "In brackets 95 % intervals over the set's patients, the model kept. The micro-averaged bin specificity "
    "is 0.75 + accuracy / 4, so 0.75 is its floor. Undefined studies count as failed and are left out of "
    "MAE. 'constant mean' and 'all flagged' look at nothing."
)


@dataclass(frozen=True)
class ReportRow:
    """One set under one way of judging."""

    set_name: str
    way: str
    counts: Mapping[str, int]
    figures: Figures
    intervals: Mapping[str, Interval | None]

    def cell(self, name: str, beside: str = "") -> str:
        """A figure as text, `beside` after it and its interval last; a dash where it has no value."""
        value, interval = self.figures[name], self.intervals[name]
        if value is None:
            return "–"
        bounds = "" if interval is None else f" [{interval[0]:.2f}, {interval[1]:.2f}]"
        return f"{value:.2f}{beside}{bounds}"


def report(
    judged: Mapping[tuple[str, str], tuple[Judged, Cohort]], resamples: int = RESAMPLES
) -> Sequence[ReportRow]:
    """The rows, in the order of `judged`."""
    return [
        ReportRow(
            name,
            way,
            counts(made),
            figures(made),
            patient_intervals(made, rows.patients, resamples=resamples),
        )
        for (name, way), (made, rows) in judged.items()
    ]
