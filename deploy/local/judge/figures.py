"""The figures of a run, one hospital at a time: what goes into the table, the picture and summary.json."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean

from deploy.local.judge.status import HospitalStatus
from segwatch.contracts.quality import FAILED_BELOW
from segwatch.contracts.studies import StudyScored

ROLLING = 20
"""Studies in a rolling figure: one pulse of the demonstration's policy."""


@dataclass(frozen=True)
class Scored:
    """One study in the order of the log.

    Attributes:
        true: true Dice, None where it is not known.
    """

    score: StudyScored
    true: float | None


@dataclass(frozen=True)
class Rates:
    """Over some studies: shares, and mean Dice. None where there is nothing to divide by."""

    studies: int
    needs_attention: float | None
    predicted_failed: float | None
    true_failed: float | None
    mean_predicted_dice: float | None
    mean_true_dice: float | None


@dataclass(frozen=True)
class ScannerChange:
    """When the new scanner came, and how many studies the hospital had scored before its first one."""

    at: datetime
    case: str
    after_studies: int


@dataclass(frozen=True)
class SiteFigures:
    """One hospital's row.

    Attributes:
        page_at: when the first page about its quality came, after the change where there is one.
        page_after_studies: studies scored by then.
        before, after: the rates around the change; None where there was none.
    """

    site: str
    studies_in: int
    measured: int
    scored: int
    flagged: int
    dead_lettered: int
    pulses: int
    portraits: int
    rates: Rates
    change: ScannerChange | None
    before: Rates | None
    after: Rates | None
    page_at: datetime | None
    page_after_studies: int | None

    @property
    def page_after_change(self) -> int | None:
        """How many studies after the change the page came."""
        if self.change is None or self.page_after_studies is None:
            return None
        return self.page_after_studies - self.change.after_studies


def in_order(site: HospitalStatus) -> list[Scored]:
    """The hospital's scored studies in the log's order, with true Dice beside them."""
    return [Scored(score, site.dice.get(study)) for study, score in site.view.scored.items()]


def figures_of(site: HospitalStatus, dropped: int, change: tuple[datetime, str] | None) -> SiteFigures:
    """The hospital's figures.

    Args:
        site: the hospital.
        dropped: how many cases were dropped into its inbox.
        change: when the new scanner came, and its first case's name.
    """
    studies = in_order(site)
    changed = _change(site, change)
    since = changed.after_studies if changed else 0
    page = next((seen for seen in site.pages if seen.after_studies > since), None)
    view = site.view
    return SiteFigures(
        site=site.name,
        studies_in=dropped,
        measured=len(view.measured),
        scored=len(studies),
        flagged=view.flagged,
        dead_lettered=len(view.dead_studies),
        pulses=len(view.closed("pulse")),
        portraits=len(view.closed("portrait")),
        rates=rates_of(studies),
        change=changed,
        before=rates_of(studies[: changed.after_studies]) if changed else None,
        after=rates_of(studies[changed.after_studies :]) if changed else None,
        page_at=page.page.at if page else None,
        page_after_studies=page.after_studies if page else None,
    )


def rates_of(studies: Sequence[Scored]) -> Rates:
    """Rates over the studies. An undefined study counts as failed and has no predicted Dice."""
    predicted = [s.score.predicted_dice for s in studies if s.score.predicted_dice is not None]
    true = [s.true for s in studies if s.true is not None]
    return Rates(
        studies=len(studies),
        needs_attention=_mean([float(s.score.needs_attention) for s in studies]),
        predicted_failed=_mean([float(s.score.predicted_failed) for s in studies]),
        true_failed=_mean([float(dice < FAILED_BELOW) for dice in true]),
        mean_predicted_dice=_mean(predicted),
        mean_true_dice=_mean(true),
    )


def rolling(values: Sequence[float | None], window: int = ROLLING) -> list[float | None]:
    """The mean over the last `window` values, None left out; None where nothing is left.

    Examples:
        >>> rolling([1.0, None, 3.0], 2)
        [1.0, 1.0, 3.0]
    """
    return [
        _mean([value for value in values[max(0, end - window) : end] if value is not None])
        for end in range(1, len(values) + 1)
    ]


def _change(site: HospitalStatus, change: tuple[datetime, str] | None) -> ScannerChange | None:
    if change is None:
        return None
    at, case = change
    cases, scored = site.cases(), site.view.scored
    after = (before for before, study in enumerate(scored) if cases.get(study, "") >= case)
    return ScannerChange(at=at, case=case, after_studies=next(after, len(scored)))


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None
