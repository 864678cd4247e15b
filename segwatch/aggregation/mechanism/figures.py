"""The figures of a block: exact from its slots, then noised under the site's policy. Pure but for the noise.

Adjacency is replace-one: the contents of one slot change; the slot, its patient and the model stay. Then the
count changes by at most 1, the histogram by at most 2 in L1, and the sum of one feature by at most its steps.
A study beyond its patient's limit enters no figure, whatever it holds.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from segwatch.aggregation.mechanism.bounds import BOUNDS
from segwatch.aggregation.mechanism.noise import Noise
from segwatch.aggregation.mechanism.slots import Due, Slot, cell_of, entering
from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.quality import COUNT_SENSITIVITY, HISTOGRAM_CELLS, HISTOGRAM_SENSITIVITY
from segwatch.contracts.release import NoisedMean, Portrait, Pulse
from segwatch.contracts.studies import StudyScored

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""No study was received by segwatch before: a clock that says so is wrong."""


@dataclass(frozen=True, slots=True)
class BlockName:
    """Which block it is: never two with the same in one site."""

    site: str
    epoch: int
    number: int


def figures(
    name: BlockName,
    due: Due,
    policy: SitePolicy,
    noise: Noise,
    now: datetime,
    changes: int = 0,
    unscored: int | None = None,
) -> Pulse | Portrait:
    """What may leave of a full block.

    Args:
        name: the block's name.
        due: the block's kind and slots.
        policy: the policy in force for it.
        noise: where the noise comes from.
        now: when the block is closed: the date where no slot has one, and the latest that there can be.
        changes: how many changes there were in this epoch by a pulse.
        unscored: how many examinations ended in a dead letter since the pulse before; None where that is not
            known. They are no slot's, so one more or less changes this number by 1 and nothing else.
    """
    common = _common(name, due.slots, policy, now)
    studies = entering(due.slots, policy)
    label = f"{name.site}/{name.epoch}/{due.kind}/{name.number}"
    if due.kind == "pulse":
        told = _unscored(label, unscored, policy, noise)
        return _pulse({**common, "changes": changes, **told}, label, studies, policy, noise)
    return _portrait(common, label, studies, policy, noise)


def coarse(moment: datetime, policy: SitePolicy) -> date:
    """The first day of the moment's day, week (Monday) or month, in UTC."""
    return coarsened(moment.astimezone(UTC).date(), policy)


def coarsened(day: date, policy: SitePolicy) -> date:
    """The first day of the day, its week (Monday) or its month."""
    if policy.dates == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if policy.dates == "week" else day


def _pulse(
    common: dict[str, Any], label: str, studies: Sequence[StudyScored], policy: SitePolicy, noise: Noise
) -> Pulse:
    exact = sum(scored.needs_attention for scored in studies)
    (noised,) = noise(label, [exact], sensitivity=COUNT_SENSITIVITY, epsilon=policy.epsilon_count)
    return Pulse(kind="pulse", epsilon=policy.epsilon_count, needs_attention=noised, **common)


def _unscored(label: str, exact: int | None, policy: SitePolicy, noise: Noise) -> dict[str, Any]:
    """What a pulse tells of examinations without a score: nothing where the policy does not want it."""
    epsilon = policy.epsilon_unscored
    if exact is None or epsilon is None:
        return {}
    (noised,) = noise(f"{label}/unscored", [exact], sensitivity=COUNT_SENSITIVITY, epsilon=epsilon)
    return {"unscored": noised, "epsilon_unscored": epsilon}


def _portrait(
    common: dict[str, Any], label: str, studies: Sequence[StudyScored], policy: SitePolicy, noise: Noise
) -> Portrait:
    cells = Counter(map(cell_of, studies))
    exact = [cells[cell] for cell in range(len(HISTOGRAM_CELLS))]
    epsilon = policy.epsilon_histogram
    a, b, c, d, e, f, g = noise(label, exact, sensitivity=HISTOGRAM_SENSITIVITY, epsilon=epsilon)
    # A policy that a newer version put into force may name a feature that this one has no bounds for.
    known = [feature for feature in policy.means_of if feature in BOUNDS]
    means = tuple(_mean(label, feature, studies, common["k"], policy, noise) for feature in known)
    return Portrait(
        kind="portrait",
        epsilon=epsilon + (policy.epsilon_means if means else 0.0),
        epsilon_histogram=epsilon,
        histogram=(a, b, c, d, e, f, g),
        means=means,
        **common,
    )


def _mean(
    label: str, feature: str, studies: Sequence[StudyScored], k: int, policy: SitePolicy, noise: Noise
) -> NoisedMean:
    """The mean over all k slots of one feature; the means' budget is split evenly over the features."""
    bound = BOUNDS[feature]
    values = [scored.features.get(feature) for scored in studies]
    own = [bound.step_of(value) for value in values if value is not None]
    exact = sum(own) + bound.fixed_step * (k - len(own))
    epsilon = even_share(policy.epsilon_means, len(policy.means_of))
    (noised,) = noise(f"{label}/{feature}", [exact], sensitivity=bound.steps, epsilon=epsilon)
    return NoisedMean(
        feature=feature,
        mean=bound.value_of(noised / k),
        low=bound.low,
        high=bound.high,
        noise_scale=(bound.high - bound.low) / epsilon / k,
    )


def even_share(epsilon: float, parts: int) -> float:
    """The largest of `parts` equal budgets, in floating point, that together do not exceed `epsilon`."""
    share = epsilon / parts
    return share if parts * Fraction(share) <= Fraction(epsilon) else math.nextafter(share, 0.0)


def _common(name: BlockName, slots: Sequence[Slot], policy: SitePolicy, now: datetime) -> dict[str, Any]:
    studies = [slot.scored for slot in slots if slot.scored is not None]
    last = _credible(studies[-1].received_at, now) if studies else now
    return {
        "epoch": name.epoch,
        "number": name.number,
        "k": len(slots),
        "policy_version": policy.version,
        "closed": coarse(last, policy),
        "model": _most_common([scored.model for scored in studies]) if policy.name_model else None,
        "scorer": _most_common([scored.scorer for scored in studies]) if policy.name_scorer else None,
    }


def _credible(moment: datetime, now: datetime) -> datetime:
    """An event time within what can be. A wrong clock's future would be a time stamp that Kafka refuses for
    good (`message.timestamp.after.max.ms`, an hour), and no later block could leave.
    """
    return min(max(moment, EARLIEST), now)


def _most_common(identities: Sequence[ModelIdentity | None]) -> ModelIdentity | None:
    """The identity that most slots have; of equals the one that came first."""
    ranked = Counter(identities).most_common(1)
    return ranked[0][0] if ranked else None
