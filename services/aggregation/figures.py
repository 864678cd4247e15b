"""The figures of a block: exact from its slots, then noised under the site's policy. Pure but for the noise.

Adjacency is replace-one: the contents of one slot change; the slot, its patient and the model stay. Then the
count changes by at most 1, the histogram by at most 2 in L1, and the sum of one feature by at most its steps.
A study beyond its patient's limit enters no figure, whatever it holds.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.aggregation.bounds import BOUNDS
from services.aggregation.noise import Noise
from services.aggregation.slots import Due, Slot, cell_of, entering
from services.contracts.base import ModelIdentity
from services.contracts.policy import SitePolicy
from services.contracts.release import HISTOGRAM_CELLS, NoisedMean, Portrait, Pulse
from services.contracts.studies import StudyScored

COUNT_SENSITIVITY = 1
HISTOGRAM_SENSITIVITY = 2


@dataclass(frozen=True, slots=True)
class BlockName:
    """Which block it is: never two with the same in one site."""

    site: str
    epoch: int
    number: int


def figures(name: BlockName, due: Due, policy: SitePolicy, noise: Noise, now: datetime) -> Pulse | Portrait:
    """What may leave of a full block.

    Args:
        name: the block's name.
        due: the block's kind and slots.
        policy: the policy in force for it.
        noise: where the noise comes from.
        now: when the block is closed, for the date where no slot has one.
    """
    common = _common(name, due.slots, policy, now)
    studies = entering(due.slots, policy)
    label = f"{name.site}/{name.epoch}/{due.kind}/{name.number}"
    if due.kind == "pulse":
        return _pulse(common, label, studies, policy, noise)
    return _portrait(common, label, studies, policy, noise)


def coarse(moment: datetime, policy: SitePolicy) -> date:
    """The first day of the moment's day, week (Monday) or month, in UTC."""
    day = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).date()
    if policy.dates == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if policy.dates == "week" else day


def _pulse(
    common: dict[str, Any], label: str, studies: Sequence[StudyScored], policy: SitePolicy, noise: Noise
) -> Pulse:
    exact = sum(scored.needs_attention for scored in studies)
    (noised,) = noise(label, [exact], sensitivity=COUNT_SENSITIVITY, epsilon=policy.epsilon_count)
    return Pulse(kind="pulse", epsilon=policy.epsilon_count, needs_attention=noised, **common)


def _portrait(
    common: dict[str, Any], label: str, studies: Sequence[StudyScored], policy: SitePolicy, noise: Noise
) -> Portrait:
    cells = Counter(map(cell_of, studies))
    exact = [cells[cell] for cell in range(len(HISTOGRAM_CELLS))]
    epsilon = policy.epsilon_histogram
    a, b, c, d, e, f, g = noise(label, exact, sensitivity=HISTOGRAM_SENSITIVITY, epsilon=epsilon)
    means = tuple(_mean(label, feature, studies, common["k"], policy, noise) for feature in policy.means_of)
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
    epsilon = policy.epsilon_means / len(policy.means_of)
    (noised,) = noise(f"{label}/{feature}", [exact], sensitivity=bound.steps, epsilon=epsilon)
    return NoisedMean(
        feature=feature,
        mean=bound.value_of(noised / k),
        low=bound.low,
        high=bound.high,
        noise_scale=(bound.high - bound.low) / epsilon / k,
    )


def _common(name: BlockName, slots: Sequence[Slot], policy: SitePolicy, now: datetime) -> dict[str, Any]:
    studies = [slot.scored for slot in slots if slot.scored is not None]
    last = studies[-1].received_at if studies else now
    return {
        "epoch": name.epoch,
        "number": name.number,
        "k": len(slots),
        "policy_version": policy.version,
        "closed": coarse(last, policy),
        "model": _most_common([scored.model for scored in studies]) if policy.name_model else None,
        "scorer": _most_common([scored.scorer for scored in studies]) if policy.name_scorer else None,
    }


def _most_common(identities: Sequence[ModelIdentity | None]) -> ModelIdentity | None:
    """The identity that most slots have; of equals the one that came first."""
    ranked = Counter(identities).most_common(1)
    return ranked[0][0] if ranked else None
