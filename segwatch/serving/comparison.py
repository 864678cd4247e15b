"""What would change if the shadow counted: flags, shares and pages over the last studies. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.studies import StudyScored

WINDOW = 200
"""How many studies are compared at most."""
PAGE_WINDOW, PAGE_ABOVE = 20, 0.5
"""The rule SegwatchLocalQualityDrop, over the last studies (deploy/rules/hospital.yaml)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one scorer said of a study."""

    scorer: ModelIdentity
    flagged: bool
    predicted_failed: bool
    predicted_dice: float | None


@dataclass(frozen=True, slots=True)
class Pair:
    """What both scorers said of a study."""

    counts: Verdict
    shadow: Verdict


@dataclass(frozen=True)
class Summary:
    """What one scorer says of the studies.

    Attributes:
        flagged: the share that needs attention. predicted_failed: the share that is predicted failed, raw.
        predicted_dice: mean of those that have one; None of none.
        pages: how often the share of flagged ones among the last 20 has risen above one half.
    """

    scorer: ModelIdentity
    flagged: float
    predicted_failed: float
    predicted_dice: float | None
    pages: int


@dataclass(frozen=True)
class Comparison:
    """Both scorers on the same studies.

    Attributes:
        studies: how many there are.
        newly_flagged: those that only the shadow flags. no_longer_flagged: those that only the other does.
    """

    studies: int
    counts: Summary
    shadow: Summary
    newly_flagged: int
    no_longer_flagged: int


def pair_of(scored: StudyScored) -> Pair | None:
    """Both verdicts of a study; None where no shadow scored it."""
    beside = scored.shadow
    if beside is None:
        return None
    return Pair(
        Verdict(scored.scorer, scored.needs_attention, scored.predicted_failed, scored.predicted_dice),
        Verdict(beside.scorer, beside.needs_attention, beside.predicted_failed, beside.predicted_dice),
    )


def compare(pairs: Sequence[Pair]) -> Comparison | None:
    """The comparison over the last studies that the same two scorers have scored as the last one was.

    Args:
        pairs: of different studies, in the log's order.

    Returns:
        None without a study.
    """
    if not pairs:
        return None
    last = pairs[-1]
    alike = [pair for pair in pairs if _scorers(pair) == _scorers(last)][-WINDOW:]
    only = [(pair.counts.flagged, pair.shadow.flagged) for pair in alike]
    return Comparison(
        studies=len(alike),
        counts=_summary([pair.counts for pair in alike]),
        shadow=_summary([pair.shadow for pair in alike]),
        newly_flagged=only.count((False, True)),
        no_longer_flagged=only.count((True, False)),
    )


def pages(flags: Iterable[bool]) -> int:
    """How often the share of flagged studies among the last PAGE_WINDOW has risen above PAGE_ABOVE."""
    recent: list[bool] = []
    above, found = False, 0
    for flag in flags:
        recent = [*recent, flag][-PAGE_WINDOW:]
        now = len(recent) == PAGE_WINDOW and fmean(recent) > PAGE_ABOVE
        found += now and not above
        above = now
    return found


def _scorers(pair: Pair) -> tuple[str, str]:
    return pair.counts.scorer.sha256, pair.shadow.scorer.sha256


def _summary(verdicts: Sequence[Verdict]) -> Summary:
    dice = [verdict.predicted_dice for verdict in verdicts if verdict.predicted_dice is not None]
    return Summary(
        scorer=verdicts[-1].scorer,
        flagged=fmean(verdict.flagged for verdict in verdicts),
        predicted_failed=fmean(verdict.predicted_failed for verdict in verdicts),
        predicted_dice=fmean(dice) if dice else None,
        pages=pages(verdict.flagged for verdict in verdicts),
    )
