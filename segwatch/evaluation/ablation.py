"""What the figures become without a feature, or with any subset."""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

from segwatch.errors import RefusedCohort
from segwatch.evaluation.set_entries import Entry, predicted, short_entries
from segwatch.evaluation.splits import Plan, plan_of

Names = tuple[str, ...]
ALL_SUBSETS_UP_TO = 4
"""With so many features every subset is fitted, with more each feature is left out once."""


def left_out(features: Names, asked: Iterable[Names] = ()) -> list[Names]:
    """Which features are left out together, each ablation once; the single ones first.

    Raises:
        RefusedCohort: what was asked for names a feature that is not there, or leaves none.
    """
    most = len(features) - 1 if len(features) <= ALL_SUBSETS_UP_TO else 1
    chosen = [names for size in range(1, most + 1) for names in combinations(features, size)]
    for names in asked:
        strange = [name for name in names if name not in features]
        if strange:
            raise RefusedCohort(f"cannot leave out {strange[0]}: the features are {', '.join(features)}")
        if len(set(names)) == len(features):
            raise RefusedCohort("cannot leave out every feature")
        chosen.append(tuple(name for name in features if name in names))
    return list(dict.fromkeys(chosen))


def ablation(
    whole: Plan, models: Sequence[str], without: Sequence[Names], seed: int, done: Callable[[int], None]
) -> dict[str, list[Entry]]:
    """For each model its figures for every set without the features, fitted anew; intervals keep the model.

    Leaving features out is the same as naming the others: rows are defined where those are.
    """
    found: dict[str, list[Entry]] = {model: [] for model in models}
    for names in without:
        plan = _without(whole, names)
        for model in models:
            sets = short_entries(plan.cohort, predicted(plan, model, seed))
            features = list(plan.cohort.features)
            found[model].append({"left_out": list(names), "features": features, "sets": sets})
            done(1)
    return found


def _without(plan: Plan, names: Names) -> Plan:
    kept = [number for number, name in enumerate(plan.cohort.features) if name not in names]
    return plan_of(
        plan.cohort.select(tuple(plan.cohort.features[number] for number in kept)),
        leave_patient_out=plan.leave_patient_out,
        directions=tuple(plan.directions[number] for number in kept if plan.directions),
    )
