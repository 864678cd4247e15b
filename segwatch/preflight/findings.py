"""What a check found: one line each, and what a run's end says."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from segwatch.errors import in_one_line

State = Literal["ok", "fault", "unknown", "unused"]
EXIT_FINE, EXIT_FAULT, EXIT_UNKNOWN = 0, 1, 2
LONGEST = 400


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        check: its short, stable name, such as `clock`.
        state: `unknown` where it could not be looked at, `unused` where nothing asks for it.
        what: what was found, in one line.
        remedy: what to do; empty where there is nothing to be done.
    """

    check: str
    state: State
    what: str
    remedy: str = ""

    def line(self) -> str:
        """The finding and its remedy in one line."""
        remedy = f" -> {self.remedy}" if self.remedy else ""
        return f"{self.state.upper():<7} {self.check:<12} {self.what}{remedy}"


Look = Callable[[], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """Something to look at; whatever its look raises makes it unknown."""

    name: str
    look: Look


def ok(check: str, what: str) -> Finding:
    """It was looked at and is well."""
    return Finding(check, "ok", what)


def fault(check: str, what: str, remedy: str) -> Finding:
    """It was looked at and is not well."""
    return Finding(check, "fault", " ".join(what.split()), remedy)


def unknown(check: str, what: str, remedy: str) -> Finding:
    """It could not be looked at; the remedy says what would let it."""
    return Finding(check, "unknown", " ".join(what.split()), remedy)


def unused(check: str, what: str) -> Finding:
    """Nothing asks for it."""
    return Finding(check, "unused", what)


def findings_of(check: Check) -> list[Finding]:
    """What a check finds. One that finds nothing has not looked."""
    try:
        found = list(check.look())
    except Exception as error:  # noqa: BLE001 - whatever stopped it, it has not looked
        said = in_one_line(error, LONGEST)
        return [unknown(check.name, f"could not be checked: {said}", "mend that, and run it again")]
    return found or [unknown(check.name, "nothing was found to look at", "see that its settings are given")]


def exit_code(found: Sequence[Finding]) -> int:
    """0 where all is well, 1 where something is at fault, 2 where something could not be looked at.

    Examples:
        >>> exit_code([ok("clock", "right"), unknown("ports", "no network", "")])
        2
    """
    states = {each.state for each in found}
    if "fault" in states:
        return EXIT_FAULT
    return EXIT_FINE if "ok" in states and "unknown" not in states else EXIT_UNKNOWN
