"""Which of two scorers counts, and which is its shadow. Pure: no log, no clock."""

from dataclasses import dataclass

from segwatch.contracts.scorer_decisions import ScorerDecision
from segwatch.errors import ScorerAway
from segwatch.scoring.bundle import Scorer


@dataclass(frozen=True)
class Roles:
    """The scorer that counts, and the one that scores beside it, if there is one."""

    counts: Scorer
    shadow: Scorer | None


def roles(scorer: Scorer, shadow: Scorer | None, last: ScorerDecision | None) -> Roles:
    """Who counts, by what was decided last.

    Args:
        scorer: which counts as long as nothing was decided.
        shadow: the other; the same bundle a second time is none.
        last: the last decision.

    Raises:
        ScorerAway: it makes a scorer count that is neither; says what to do. To go on with one of the two
            would take the decision back, and nobody has decided that.
    """
    other = None if shadow is None or shadow.identity == scorer.identity else shadow
    if last is None or last.counts.sha256 == scorer.identity.sha256:
        return Roles(scorer, other)
    if other is not None and last.counts.sha256 == other.identity.sha256:
        return Roles(other, scorer)
    beside = "" if other is None else f", SHADOW_SCORER {_who(other)}"
    raise ScorerAway(
        f"by the last decision ({last.decision} by {last.who} at {last.at:%Y-%m-%d %H:%M}) the scorer "
        f"{last.counts.name} {last.counts.sha256[:12]} counts, but SCORER is {_who(scorer)}{beside}: "
        "set one of them to its folder, or decide anew with `segwatch scorer rollback`, which makes SCORER "
        "count"
    )


def _who(scorer: Scorer) -> str:
    return f"{scorer.identity.name} {scorer.identity.sha256[:12]}"
