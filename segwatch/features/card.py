"""What a feature is: a card that explains it, and a function that measures it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from segwatch.features.reasons import Reason
from segwatch.features.scene import Scene

Good = Literal["high", "low", "neither"]
Cost = Literal["core", "cheap", "distance", "lung", "given"]
"""core: the paper's four, one pass over the mask's runs. cheap: needs no distance map. distance: needs one,
and works on a coarser grid. lung: needs the CT over the whole lung, on the coarser grid. given: comes with
the mask, nothing is computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a reader must know before trusting a figure.

    Attributes:
        name: as it stands in messages.
        what: its exact definition.
        unit: `1` where it has none.
        range: which values it can take.
        good: whether a high or a low value speaks for a good mask, as far as is known.
        blind_to: what it cannot see.
        source: where it is from.
        cost: see `Cost`.
    """

    name: str
    what: str
    unit: str
    range: str
    good: Good
    blind_to: str
    source: str
    cost: Cost


@dataclass(frozen=True, slots=True)
class Feature:
    """A card and its measure.

    Attributes:
        value: measures a scene that holds lesion; raises `NoValue` where there is no value.
        of_empty: the value for an empty mask, or the reason why there is none.
        version: goes up whenever a value that a scorer can score changes for the same input, so that one that
            was trained on the old values is not used for the new ones. Where a study was undefined, or is
            now, none is scored.
    """

    card: Card
    value: Callable[[Scene], float]
    of_empty: float | Reason
    version: int = 1


def feature(
    *,
    what: str,
    unit: str = "1",
    range: str = "0 to 1",  # noqa: A002 - the card's word
    good: Good,
    blind_to: str,
    source: str,
    cost: Cost,
    of_empty: float | Reason = Reason.EMPTY_MASK,
    version: int = 1,
) -> Callable[[Callable[[Scene], float]], Feature]:
    """Make a feature of the function that measures it, which bears its name; see `Card` and `Feature`.

    What has no unit is most often a share: from 0 to 1.
    """

    def made(value: Callable[[Scene], float]) -> Feature:
        card = Card(
            name=value.__name__,
            what=what,
            unit=unit,
            range=range,
            good=good,
            blind_to=blind_to,
            source=source,
            cost=cost,
        )
        return Feature(card, value, of_empty, version)

    return made
