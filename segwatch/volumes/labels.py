"""Which of a mask's labels is lesion: said by whoever knows, never guessed.

`3`, `1,3`, a name, `any`; unsaid (empty), a mask may hold one label only, whichever it is.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segwatch.errors import BadInput
from segwatch.volumes.image import Array, Mask
from segwatch.volumes.refusals import refused

ANY = "any"
NAMES_FILE = "dataset.json"
"""Where nnU-Net names its labels; it lies beside the masks that nnU-Net writes."""
NEAR = 0.01
"""Scaled label images are off a whole number by so much: a float array saved under an integer header is."""
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class LesionLabel:
    """What was said: `any`, numbers and names with commas between them, or nothing."""

    said: str = ""

    def __post_init__(self) -> None:
        """Raises BadInput where a part is empty, or 0, which is background."""
        if self.said and not all(self.parts):
            raise BadInput(f"the lesion label {self.said!r} has an empty part: give 3, or 1,3, or a name")
        if 0 in self.numbers:
            raise BadInput("the lesion label 0 is background: give the label of lesions")

    @property
    def parts(self) -> tuple[str, ...]:
        """The numbers and names, as they were written."""
        return tuple(part.strip() for part in self.said.split(",")) if self.said else ()

    @property
    def numbers(self) -> frozenset[int]:
        """Those that are numbers."""
        return frozenset(int(part) for part in self.parts if part.isdecimal())

    @property
    def names(self) -> tuple[str, ...]:
        """Those that are names."""
        return tuple(part for part in self.parts if not part.isdecimal() and self.said != ANY)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The labels that count in one mask: some numbers, `every` above 0, or the only one that there is."""

    numbers: frozenset[int] = frozenset()
    every: bool = False


ANY_LABEL = Wanted(every=True)
"""Of a lung mask, where left and right, or lobes, may be told apart."""


def wanted_in(path: Path, label: LesionLabel) -> Wanted:
    """The labels that count in a mask's file. Names are looked up in nnU-Net's `dataset.json` beside it.

    Raises:
        RefusedVolume: no_such_label, the name stands nowhere.
    """
    if label.said == ANY:
        return ANY_LABEL
    if not label.names:
        return Wanted(label.numbers)
    named = names_in(path.parent / NAMES_FILE)
    return Wanted(label.numbers.union(*(_named(name, named, path.name) for name in label.names)))


def names_in(path: Path) -> dict[str, frozenset[int]]:
    """Each foreground label's name and numbers (several of a region), as nnU-Net's `dataset.json` has them.

    Empty where there is no such file, or it names none.
    """
    try:
        found = json.loads(path.read_bytes())["labels"].items()
        named = {str(name): frozenset(_whole(value)) for name, value in found}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {name: numbers for name, numbers in named.items() if numbers != {0} and name != "ignore"}


def _whole(value: object) -> list[int]:
    return [int(each) for each in value] if isinstance(value, list) else [int(str(value))]


def _named(name: str, named: dict[str, frozenset[int]], file: str) -> frozenset[int]:
    found = {key.lower(): numbers for key, numbers in named.items()}
    if name.lower() not in found:
        known = f" ({', '.join(named)})" if named else ""
        problem = f"no {NAMES_FILE} beside it names a label {name!r}{known}; give the label's number"
        raise refused("no_such_label", file, problem)
    return found[name.lower()]


class LabelImage:
    """Turns a label image into a mask, slice by slice, and knows at the end whether that was sound."""

    def __init__(self, name: str, wanted: Wanted) -> None:
        self._name = name
        self._wanted = wanted
        self._found: set[int] = set()

    def mask(self, values: Array) -> Mask:
        """Where these voxels, of any shape, are lesion.

        Raises:
            RefusedVolume: not_binary.
        """
        labels = whole_labels(values, self._name)
        if self._wanted.every:
            return np.asarray(labels > 0)
        if self._wanted.numbers:
            return np.asarray(np.isin(labels, list(self._wanted.numbers)))
        mask = np.asarray(labels > 0)
        if mask.any():
            inside = labels[mask]
            low, high = int(inside.min()), int(inside.max())
            self._found |= {low} if low == high else set(np.unique(inside).tolist())
        return mask

    def finish(self) -> None:
        """Nothing, where it was said which label is lesion, or there is one only.

        Raises:
            RefusedVolume: several_labels, naming those that were found.
        """
        if len(self._found) > 1:
            found = sorted(self._found)
            more = ", …" if len(found) > _SHOWN else ""
            raise refused(
                "several_labels",
                self._name,
                f"it holds the labels {', '.join(map(str, found[:_SHOWN]))}{more}, and nothing says which of "
                "them is lesion; say it (--lesion-label, LESION_LABEL), or any where all are",
            )


def whole_labels(values: Array, name: str) -> Array:
    """The labels as whole numbers: what lies within 0.01 of one is it.

    Raises:
        RefusedVolume: not_binary.
    """
    if values.dtype.kind == "f":
        near = np.rint(values)
        if not (np.abs(values - near) <= NEAR).all():
            raise refused(
                "not_binary",
                name,
                "its values are not labels (0, 1, 2, …); give a label image, no probabilities",
            )
        values = near.astype(np.int64)
    if values.dtype.kind != "u" and values.min() < 0:
        raise refused("not_binary", name, "it has values below 0; give a label image (0, 1, 2, …)")
    return values
