"""What `segwatch scorer` does, once it is called."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from segwatch.contracts.scorer_decisions import ScorerDecision
from segwatch.errors import BadInput
from segwatch.serving.comparison import Comparison, compare, pair_of
from segwatch.serving.decisions import ScorerDecisions, decide
from segwatch.serving.last_scores import last_scores
from segwatch.streaming.log import Log
from segwatch.streaming.operator import checked_reason, connected, user_at_host


def change(
    decision: Literal["promote", "rollback"], scorer: Path, shadow: Path | None, reason: str, by: str
) -> str:
    """Decide that the shadow counts, or the scorer again; what was done, in words.

    Both bundles are loaded as the service would load them. What counts already is not decided a second time.

    Raises:
        RefusedModel: a bundle does not load, so it cannot count.
        BadInput: there is no shadow, or it is the same scorer, or the reason is none.
        LogUnavailable, LogRefused: the same command again is safe.
    """
    from segwatch.scoring.bundle import load  # brings scikit-learn

    why = checked_reason(reason)
    bundles = [load(folder) for folder in (scorer, shadow) if folder is not None]
    if decision == "promote":
        bundles.reverse()
        if len(bundles) < 2:
            raise BadInput("there is no shadow to promote: name its bundle with --shadow or SHADOW_SCORER")
        if bundles[0].identity == bundles[1].identity:
            raise BadInput(f"the shadow in {shadow} is the scorer in {scorer}: there is nothing to promote")
    wanted, other = bundles[0].identity, bundles[-1].identity
    with connected() as log:
        before = ScorerDecisions(log).all()
        now = before[-1].counts if before else None
        if (now is None and decision == "rollback") or (now is not None and now.sha256 == wanted.sha256):
            return f"{wanted.name} {wanted.sha256} counts already: nothing was decided"
        who = by or user_at_host()
        made = decide(log, before, decision, wanted, now or other, reason=why, who=who, at=datetime.now(UTC))
    unfit = bundles[0].manifest.unfit_for_paging
    return in_a_line(made) + (
        f"\nunfit for paging, or not known to be fit: {'; '.join(unfit)}" if unfit else ""
    )


def in_a_line(made: ScorerDecision) -> str:
    """A decision, for people."""
    return (
        f"{made.at:%Y-%m-%d %H:%M:%S} {made.decision} by {made.who}: {made.counts.name} {made.counts.sha256} "
        f"counts instead of {made.instead_of.name} {made.instead_of.sha256}: {made.reason}"
    )


def compared(log: Log) -> Comparison:
    """Both scorers on the studies that the log has of both, each as it was scored last.

    Raises:
        BadInput: no study was scored by two.
        LogUnavailable, LogRefused: the topic cannot be read.
    """
    pairs = [pair for scored in last_scores(log) if (pair := pair_of(scored)) is not None]
    found = compare(pairs)
    if found is None:
        raise BadInput("no study was scored by two scorers: set the scoring service's SHADOW_SCORER")
    return found
