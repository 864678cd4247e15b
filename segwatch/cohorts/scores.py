"""The scores of a folder of cases, as the services would give them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from segwatch.cohorts.lungs import Lungs, check_for_cases
from segwatch.cohorts.measuring import CT, CohortCase, How, Row, in_processes, listed, measures_in
from segwatch.cohorts.opinions import AskedOpinion
from segwatch.contracts.studies import ScoreStatus
from segwatch.errors import Unprocessable
from segwatch.features.profiles import options
from segwatch.features.registry import PAPER4, feature
from segwatch.progress import progress
from segwatch.scoring.bundle import Scorer
from segwatch.scoring.score import Score, score
from segwatch.volumes.hounsfield import AskedUnit

COLUMNS = (
    "case",
    "status",
    "predicted_dice",
    "interval_low",
    "interval_high",
    "failure_probability",
    "flagged",
    "lung",
    "lung_share_error",
    "lung_share_error_low",
    "lung_share_error_high",
    "reasons",
    "second_opinion",
)
"""Of the table that is written."""


@dataclass(frozen=True)
class CaseScore:
    """A case's score, and how its lung mask was had.

    Attributes:
        score: None of a case that cannot be measured or scored.
        refused: why it cannot.
    """

    case: str
    lung: str = "none"
    score: Score | None = None
    refused: str = ""

    @property
    def status(self) -> ScoreStatus | Literal["refused"]:
        """The score's, or `refused`."""
        return "refused" if self.score is None else self.score.status

    @property
    def flagged(self) -> bool:
        """Whether a person should look: also where there is no score."""
        return self.score is None or self.score.needs_attention

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is flagged, in plain words."""
        return (self.refused,) if self.score is None else self.score.reasons

    @property
    def row(self) -> dict[str, Any]:
        """As it stands in the table: one value for each of COLUMNS."""
        found = self.score
        low, high = (None, None) if found is None or found.interval is None else found.interval
        dice, failure = (None, None) if found is None else (found.predicted_dice, found.failure_probability)
        error = None if found is None else found.lung_share_error
        around = None if found is None else found.lung_share_error_interval
        values = (self.case, self.status, dice, low, high, failure, self.flagged, self.lung)
        share = (error, *(around or (None, None)))
        opinion = None if found is None else found.second_opinion
        return dict(zip(COLUMNS, (*values, *share, "; ".join(self.reasons), opinion), strict=True))


def cases_in(folder: Path) -> list[CohortCase]:
    """The cases of a folder, or the one case whose folder it is; raises as `listed` does."""
    if (folder / CT).is_file():
        return [CohortCase(folder.resolve(), folder.resolve().name, "all")]
    return listed(folder)


def how_to_score(
    scorer: Scorer, ct_unit: AskedUnit, lungs: Lungs, opinion: AskedOpinion, pictures: Path | None
) -> How:
    """How cases are measured for a scorer: what it reads, and the paper's four, which pictures show.

    Raises:
        BadInput: it reads a feature that there is not.
    """
    measured = scorer.manifest.measured
    less = () if scorer.without_opinion is None else scorer.without_opinion.manifest.feature_names
    names = tuple(dict.fromkeys((*PAPER4, *scorer.manifest.feature_names, *less)))
    for name in names:
        feature(name)
    return How(
        options(measured.profile, measured.components),
        names,
        ct_unit=ct_unit,
        lungs=lungs,
        opinion=opinion,
        with_truth=False,
        pictures="" if pictures is None else str(pictures),
    )


def score_cases(cases: list[CohortCase], how: How, scorer: Scorer, workers: int) -> list[CaseScore]:
    """Every case's score in the cases' order, by so many processes (0 is one a core), with a progress bar.

    Raises:
        BadInput: as `check_for_cases`.
    """
    check_for_cases(how.lungs)
    found = {}
    with progress("scored", len(cases)) as done:
        for case, row in in_processes(cases, how, workers):
            found[case.name] = scored(row, how, scorer)
            done()
    return [found[case.name] for case in cases]


def scored(row: Row, how: How, scorer: Scorer) -> CaseScore:
    """The score of a measured case's row."""
    if "refused" in row:
        return CaseScore(row["case"], refused=row["reason"])
    try:
        return CaseScore(row["case"], row["lung"], score(measures_in(row, how), scorer))
    except Unprocessable as error:
        return CaseScore(row["case"], row["lung"], refused=str(error))
