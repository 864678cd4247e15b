"""What onboarding's evidence says in sentences: how the masks came about, and what they do not show."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from segwatch.arrays import Floats
from segwatch.cohorts.lungs import Lungs
from segwatch.contracts.quality import FAILED_BELOW
from segwatch.onboarding.recipes import CHANGED, DAMAGED, MODEL, TRUTH, MaskRecipe
from segwatch.scoring.bins import failed

FEW_FAILED = 20
"""With fewer failed masks of the model's own, its failures are hardly known."""
SET_WORDS = {
    MODEL: "the model's masks of cases that its fold had not seen",
    CHANGED: "its masks of the same cases on scans that were changed as scanners change them",
    TRUTH: "the experts' masks given as masks, on the scans as they are and changed",
    DAMAGED: "experts' and the model's masks, damaged on purpose",
}


@dataclass(frozen=True)
class MadeOf:
    """What a scorer was made from.

    Attributes:
        recipes, dice: of each row (n,).
        patients: how many. by_case: whether each case was taken for a patient.
        given: whether masks came from a folder, so that nobody knows what their network had seen.
        seen: titles of cases whose fold had learnt from another scan of the patient.
        without_mask: cases that no fold has validated. refused: cases with reasons that made no row.
        folds: how many. networks: how many of them are there. left: recipes that the budget left out.
        lungs: where lung masks came from. display: whether the CTs were 8-bit display values.
    """

    recipes: Sequence[MaskRecipe]
    dice: Floats
    patients: int
    by_case: bool
    given: bool
    seen: Sequence[str]
    without_mask: Sequence[str]
    refused: Sequence[tuple[str, str]]
    folds: int
    networks: int
    left: int
    lungs: Lungs
    display: bool

    def count(self, name: str) -> tuple[int, int]:
        """How many masks of a set there are, and how many of them failed."""
        mine = [
            float(dice) for recipe, dice in zip(self.recipes, self.dice, strict=True) if recipe.set == name
        ]
        return len(mine), sum(dice < FAILED_BELOW for dice in mine)


def made_words(made: MadeOf) -> list[str]:
    """How the masks came about."""
    sentences = [
        f"{len(made.recipes)} masks of {made.patients} patients, {int(failed(made.dice).sum())} failed."
    ]
    for name, what in SET_WORDS.items():
        number, bad = made.count(name)
        if number:
            sentences.append(f"{name}: {number} masks, {bad} failed: {what}.")
    changes = Counter(change for recipe in made.recipes for change, _ in recipe.changes)
    if changes:
        listed = ", ".join(f"{change.replace('_', ' ')} {count}" for change, count in sorted(changes.items()))
        sentences.append(f"Changes of scans: {listed}.")
    lung = f"made ({made.lungs.made})" if made.lungs.made != "none" else "given"
    sentences.append(f"Lung masks: {lung}.")
    if made.left:
        sentences.append(
            f"{made.left} more masks were planned, and left out since the budget did not pay for them."
        )
    return sentences


def not_shown(made: MadeOf) -> list[str]:
    """What the evidence does not show, in sentences."""
    return list(_not_shown(made))


def _not_shown(made: MadeOf) -> Iterator[str]:
    yield (
        "Other hospitals and real other scanners: all patients here are those that the model was developed "
        "on. Review some studies of each site, and run `segwatch calibrate` there."
    )
    yield from _of_failures(made)
    yield from _of_patients(made)
    yield from _of_networks(made)
    if made.without_mask:
        yield (
            f"{len(made.without_mask)} cases of the raw data that no fold has validated "
            f"({_some(made.without_mask)})."
        )
    if made.refused:
        named = "; ".join(f"{case}: {reason}" for case, reason in made.refused[:3])
        yield f"{len(made.refused)} masks that could not be made or measured ({named[:600]})."
    if made.lungs.made != "none":
        yield "Lung masks from elsewhere: score with lung masks that are made as they were here."
    if made.display:
        yield "CT in HU: these were 8-bit display values, mapped to HU."
    yield "How far experts differ: a truth here is one expert's mask, and Dice is against that."


def _of_failures(made: MadeOf) -> Iterator[str]:
    number, bad = made.count(MODEL)
    changed, changed_bad = made.count(CHANGED)
    if changed:
        yield "Real scanners: changes are simulated, one or two at a time; a real one differs in all at once."
    else:
        yield (
            "What the model does on other scanners: its networks were not there, so it made no mask of a "
            "changed scan. Failures here are masks that were damaged on purpose, but for the model's own."
        )
    if bad + changed_bad < FEW_FAILED:
        yield (
            f"How the model fails by itself: only {bad + changed_bad} of its own {number + changed} masks "
            f"have a Dice below {FAILED_BELOW}."
        )


def _of_patients(made: MadeOf) -> Iterator[str]:
    if made.given:
        yield (
            "That the given masks are by networks that had not seen their cases: it was said, and could not "
            "be looked at. If they had, every figure here is too good."
        )
    if made.seen:
        yield (
            f"New patients, of {len(made.seen)} cases that were predicted by a fold that had learnt from "
            f"another scan of the same patient ({_some(made.seen)}): such masks are too good."
        )
    if made.by_case:
        yield (
            "Patients: each case was taken for a patient, since neither --patient-pattern nor --patients was "
            "given. Where a patient has several scans, the figures are too good."
        )


def _of_networks(made: MadeOf) -> Iterator[str]:
    if made.folds > 1:
        yield (
            f"The ensemble of all {made.folds} folds, which usually serves: each mask here is one fold's; "
            "an ensemble's are somewhat better and smoother."
        )
    if 0 < made.networks < made.folds:
        yield f"Changed scans of folds without a checkpoint: {made.networks} of {made.folds} have one."


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
