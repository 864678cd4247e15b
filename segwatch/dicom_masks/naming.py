"""Which of a file's segments, or regions of interest, is lesion: by number, by name, or the only one."""

from collections.abc import Sequence
from dataclasses import dataclass

from segwatch.volumes.labels import ANY, LesionLabel
from segwatch.volumes.refusals import refused


@dataclass(frozen=True, slots=True)
class Named:
    """A segment or a region of interest.

    Attributes:
        names: what it is called: its label, its property's meaning and code.
    """

    number: int
    names: tuple[str, ...]

    def is_called(self, name: str) -> bool:
        """Whether one of its names is that, in any case of letters."""
        return any(each.casefold() == name.casefold() for each in self.names)

    def __str__(self) -> str:
        return f"{self.names[0] if self.names else 'without a name'} ({self.number})"


def chosen(found: Sequence[Named], label: LesionLabel, file: str) -> frozenset[int]:
    """The numbers of those that are lesion.

    Raises:
        RefusedVolume: several_labels, nobody said which; no_such_label, naming those that there are.
    """
    listed = ", ".join(map(str, found))
    if not found:
        raise refused("no_such_label", file, "it names no segment and no region; export it again")
    if label.said == ANY:
        return frozenset(each.number for each in found)
    if not label.said:
        if len(found) > 1:
            problem = f"it holds {listed}, and nothing says which of them is lesion; say it with LESION_LABEL"
            raise refused("several_labels", file, problem)
        return frozenset({found[0].number})
    wanted = {
        each.number for each in found if each.number in label.numbers or any(map(each.is_called, label.parts))
    }
    if not wanted:
        problem = f"it holds {listed}, and nothing that is called {label.said!r}; say which is lesion"
        raise refused("no_such_label", file, problem)
    return frozenset(wanted)
