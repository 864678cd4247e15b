"""What would change if the shadow counted: flags, shares and pages over the last studies. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.studies import ShadowScore, StudyScored
from segwatch.detection.evidence import Evidence
from segwatch.detection.likelihood import Likelihood, of_ratio, of_verdict
from segwatch.detection.threshold import UNKNOWN_VOLUME

WINDOW = 200
"""How many studies are compared at most."""
DIGITS = 4
STUDIES_A_PULSE = 20
LOG10_THRESHOLD = math.log10(UNKNOWN_VOLUME * STUDIES_A_PULSE)
"""That of the hospital's own detector while the site's volume is not known."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one scorer said of a study."""

    scorer: ModelIdentity
    flagged: bool
    predicted_failed: bool
    predicted_dice: float | None
    failure_ratio: float | None


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
        pages: how often the hospital's own detector would have rung, begun anew with the first of them.
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
    return Pair(_verdict(scored), _verdict(beside))


def _verdict(said: StudyScored | ShadowScore) -> Verdict:
    return Verdict(
        said.scorer,
        said.needs_attention,
        said.predicted_failed,
        said.predicted_dice,
        said.failure_ratio if said.status == "scored" else None,
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


def pages(verdicts: Iterable[Verdict]) -> int:
    """How often the hospital's own detector rings over these studies, learning the level anew each time."""
    evidence, found = Evidence.start(), 0
    for verdict in verdicts:
        evidence = evidence.after(_likelihood(verdict))
        if float(evidence.log10) >= LOG10_THRESHOLD:
            evidence, found = Evidence.start(), found + 1
    return found


def _likelihood(verdict: Verdict) -> Likelihood:
    """As the detector reads a study: its failure probability where the scorer says how dense that is."""
    if verdict.failure_ratio is None:
        return of_verdict(verdict.flagged)
    return of_ratio(float(f"{verdict.failure_ratio:.{DIGITS}g}"))


def _scorers(pair: Pair) -> tuple[str, str]:
    return pair.counts.scorer.sha256, pair.shadow.scorer.sha256


def _summary(verdicts: Sequence[Verdict]) -> Summary:
    dice = [verdict.predicted_dice for verdict in verdicts if verdict.predicted_dice is not None]
    return Summary(
        scorer=verdicts[-1].scorer,
        flagged=fmean(verdict.flagged for verdict in verdicts),
        predicted_failed=fmean(verdict.predicted_failed for verdict in verdicts),
        predicted_dice=fmean(dice) if dice else None,
        pages=pages(verdicts),
    )
