"""Which masks a scorer is made from, in the order of their worth: a budget takes as many as it pays for.

First of every case the model's mask as it is, and the truth; then rounds, in each of which every case gets
a mask of the model's on a changed scan, and a damaged one; in some also the truth on a changed scan, which is
as good a mask there. What is drawn depends on seed and case alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator

from segwatch.cohorts.damages import DAMAGES
from segwatch.cohorts.scanner_changes import SCANNER_CHANGES
from segwatch.onboarding.nnunet_layout import ValidatedCase

Origin = Literal["given", "network", "truth"]
"""A mask that lies in a file; one that a fold's network makes now; the expert's."""
Part = tuple[tuple[str, float], ...]
"""Names with strengths, 0 to 1, in the order in which they are done."""
MODEL, CHANGED, TRUTH, DAMAGED = "model", "changed-scan", "truth", "damaged"
"""The sets that the evidence shows side by side."""
MILDNESS = 1.5
"""A change's strength is a share to this power: of what a hospital sees, most is mild."""
SECOND = 0.3
"""The share of changes, and of damages, that come two at a time."""
TRUTH_EVERY = 3
"""In each of so many rounds the truth is a mask once more, on a changed scan."""
CHANGED_TRUTHS = 0.4
"""The share of damaged truths on a changed scan."""


@dataclass(frozen=True)
class MaskRecipe:
    """One mask.

    Attributes:
        name: the row's case. case: a `ValidatedCase.title`.
        changes: of the scan, before it is segmented. damages: of the mask.
        seed: of what changes and damages draw.
    """

    name: str
    case: str
    origin: Origin
    changes: Part = ()
    damages: Part = ()
    seed: int = 0

    @property
    def set(self) -> str:
        """Which of the evidence's sets it is in."""
        if self.damages:
            return DAMAGED
        if self.origin == "truth":
            return TRUTH
        return CHANGED if self.changes else MODEL

    @property
    def key(self) -> dict[str, object]:
        """All that decides it."""
        return asdict(self)


def mandatory(cases: Sequence[ValidatedCase]) -> list[MaskRecipe]:
    """The model's mask of every case, and every truth once."""
    masks = [
        MaskRecipe(case.title, case.title, "network" if case.predicted is None else "given") for case in cases
    ]
    first = {case.name: case.title for case in reversed(cases)}
    return masks + [MaskRecipe(f"{name}-truth", title, "truth") for name, title in sorted(first.items())]


def rounds(
    cases: Sequence[ValidatedCase], with_network: frozenset[str], count: int, seed: int
) -> Iterator[MaskRecipe]:
    """So many rounds over all cases, in an order that favours none.

    Args:
        cases: all. with_network: titles of those whose fold's network is there.
        count: of rounds. seed: of all that is drawn.
    """
    for turn in range(count):
        for number in np.random.default_rng([seed, turn]).permutation(len(cases)):
            case, draw = cases[number], np.random.default_rng([seed, turn, int(number)])
            if case.title in with_network:
                yield _on_a_changed_scan(case, turn, int(number), draw)
            yield _damaged(case, turn, int(number), draw)
            if turn % TRUTH_EVERY == 0:
                yield _truth_on_a_changed_scan(case, turn, int(number), draw)


def _on_a_changed_scan(case: ValidatedCase, turn: int, number: int, draw: Generator) -> MaskRecipe:
    changes = _drawn(tuple(SCANNER_CHANGES), turn + number, MILDNESS, draw)
    name = f"{case.title}-changed-{turn:02d}"
    return MaskRecipe(name, case.title, "network", changes, seed=int(draw.integers(2**31)))


def _truth_on_a_changed_scan(case: ValidatedCase, turn: int, number: int, draw: Generator) -> MaskRecipe:
    changes = _drawn(tuple(SCANNER_CHANGES), turn // TRUTH_EVERY + number, MILDNESS, draw)
    name = f"{case.title}-truth-{turn:02d}"
    return MaskRecipe(name, case.title, "truth", changes, seed=int(draw.integers(2**31)))


def _damaged(case: ValidatedCase, turn: int, number: int, draw: Generator) -> MaskRecipe:
    """The truth's in even rounds, on a changed scan at times; the given mask's in odd ones."""
    damages = _drawn(tuple(DAMAGES), turn + number, 1.0, draw)
    name, seed = f"{case.title}-damaged-{turn:02d}", int(draw.integers(2**31))
    if turn % 2 and case.predicted is not None:
        return MaskRecipe(name, case.title, "given", damages=damages, seed=seed)
    moved = draw.random() < CHANGED_TRUTHS
    changes = _drawn(tuple(SCANNER_CHANGES), turn // 2 + number, MILDNESS, draw)[:1] if moved else ()
    return MaskRecipe(name, case.title, "truth", changes, damages, seed)


def _drawn(names: Sequence[str], first: int, mildness: float, draw: Generator) -> Part:
    chosen = [names[first % len(names)]]
    if draw.random() < SECOND:
        chosen.append(str(draw.choice(names)))
    return tuple((name, round(float(draw.random()) ** mildness, 3)) for name in dict.fromkeys(chosen))
