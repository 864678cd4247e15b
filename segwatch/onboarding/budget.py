"""What making masks costs, from some that were made, and how many a budget pays for."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from segwatch.errors import BadInput
from segwatch.onboarding.making import Row
from segwatch.onboarding.recipes import MaskRecipe

SAMPLED = 3
"""So many cases are tried first, from small ones to large ones."""
_UNITS = {"h": 3600.0, "m": 60.0, "min": 60.0, "s": 1.0}


@dataclass(frozen=True)
class Costs:
    """Seconds by the size of a scan, of one process among those that run.

    Attributes:
        network: of a mask by a network, by voxels. other: of any other mask. opening: of a case's files.
        loading: of a fold's network.
    """

    network: Mapping[int, float]
    other: Mapping[int, float]
    opening: Mapping[int, float]
    loading: float

    def making(self, recipe: MaskRecipe, voxels: int) -> float:
        """Of one mask of a scan of that size."""
        return _at(self.network if recipe.origin == "network" else self.other, voxels)

    def total(
        self, recipes: Sequence[MaskRecipe], voxels: Mapping[str, int], workers: int, folds: int
    ) -> float:
        """By the clock, of all recipes by so many processes, each of which opens every case."""
        made = sum(self.making(recipe, voxels[recipe.case]) for recipe in recipes)
        opened = sum(_at(self.opening, voxels[title]) for title in {recipe.case for recipe in recipes})
        return made / workers + opened + folds * self.loading


@dataclass(frozen=True)
class MaskPlan:
    """The recipes that are made, of those that could be, and seconds by the clock for masks and scorers."""

    recipes: tuple[MaskRecipe, ...]
    left: int
    making: float
    choosing: float

    @property
    def seconds(self) -> float:
        """In all."""
        return self.making + self.choosing


def seconds_in(text: str) -> float:
    """A budget's seconds: 90m, 2h, 1h30m.

    Raises:
        BadInput: it is no time.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*(h|min|m|s)", text)
    if (
        not parts
        or re.sub(r"[\d.\s]|h|min|m|s", "", text)
        or "".join(n + u for n, u in parts) != text.replace(" ", "")
    ):
        raise BadInput(f"--budget {text}: a time is 2h, 90m or 1h30m")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def tried_first(recipes: Sequence[MaskRecipe], voxels: Mapping[str, int], networks: bool) -> list[MaskRecipe]:
    """Of some cases, small to large, a damaged mask each, and one by the network where there is one."""
    titles = sorted(voxels, key=lambda title: voxels[title])
    places = np.unique(np.linspace(0.15, 0.9, SAMPLED) * (len(titles) - 1)).round().astype(int)
    chosen = []
    for title in dict.fromkeys(titles[place] for place in places):
        for wanted in ("network", "other") if networks else ("other",):
            mine = (
                each
                for each in recipes
                if each.case == title and (each.origin == "network") == (wanted == "network")
            )
            chosen += [each for each in mine if each.changes or each.damages][:1]
    return chosen


def costs_of(rows: Sequence[tuple[MaskRecipe, Row]], voxels: Mapping[str, int]) -> Costs:
    """What the rows that were made say; refused ones say nothing.

    Raises:
        BadInput: none could be made; says what is wrong with the first.
    """
    made = [(recipe, row) for recipe, row in rows if "refused" not in row]
    if not made:
        recipe, row = rows[0]
        raise BadInput(f"no case could be measured; the first is {recipe.case}: {row['reason']}")
    network = {voxels[each.case]: row["making"] for each, row in made if each.origin == "network"}
    other = {voxels[each.case]: row["making"] for each, row in made if each.origin != "network"}
    opening: dict[int, float] = {}
    for each, row in made:
        opening[voxels[each.case]] = max(row["opening"], opening.get(voxels[each.case], 0.0))
    loading = max(row["loading"] for _, row in made)
    return Costs(network or other, other or network, opening, loading)


def plan_within(
    first: Sequence[MaskRecipe],
    more: Sequence[MaskRecipe],
    total: Callable[[Sequence[MaskRecipe]], float],
    choosing: Callable[[int], float],
    budget: float,
) -> MaskPlan:
    """The first recipes, and as many more, in their order, as the budget pays for.

    Args:
        first: those that must be made. more: the others. total: seconds of recipes.
        choosing: seconds of choosing a scorer by so many masks. budget: in seconds.

    Raises:
        BadInput: the budget does not even pay for the first; names one that does.
    """

    def cost(count: int) -> float:
        return total([*first, *more[:count]]) + choosing(len(first) + count)

    if cost(0) > budget:
        raise BadInput(
            f"--budget: {in_words(budget)} do not pay for the masks that there are and their truths, which "
            f"take about {in_words(cost(0))}: give more"
        )
    low, high = 0, len(more)
    while low < high:  # the greatest count that fits
        middle = (low + high + 1) // 2
        low, high = (middle, high) if cost(middle) <= budget else (low, middle - 1)
    recipes = (*first, *more[:low])
    return MaskPlan(recipes, len(more) - low, total(recipes), choosing(len(recipes)))


def in_words(seconds: float) -> str:
    """A time as people say it.

    Examples:
        >>> in_words(45), in_words(600), in_words(5400)
        ('45 s', '10 min', '1 h 30 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _at(known: Mapping[int, float], voxels: int) -> float:
    """Seconds at a size: on the line between sizes that were tried, beyond the largest in proportion."""
    sizes = sorted(known)
    if voxels <= sizes[0]:
        return known[sizes[0]]
    if voxels >= sizes[-1]:
        return known[sizes[-1]] * voxels / sizes[-1]
    return float(np.interp(voxels, sizes, [known[size] for size in sizes]))
