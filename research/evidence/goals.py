"""What was asked for, and whether it is met: by the figure itself; the interval is told beside it."""

from dataclasses import dataclass

from research.evidence.figures import Estimate


@dataclass(frozen=True)
class Goal:
    """A figure that was asked for.

    Attributes:
        what: in words.
        bound: the figure to reach.
        at_least: whether higher is better.
        figure: what was found.
    """

    what: str
    bound: float
    at_least: bool
    figure: Estimate

    @property
    def met(self) -> bool:
        """Whether the figure itself reaches the bound."""
        value = self.figure.value
        if value is None:
            return False
        return value >= self.bound if self.at_least else value <= self.bound

    @property
    def verdict(self) -> str:
        """`met`, `not met`, and whether the interval leaves that open."""
        word = "met" if self.met else "**not met**"
        low, high = self.figure.low, self.figure.high
        if low is None or high is None:
            return word
        surely = low >= self.bound if self.at_least else high <= self.bound
        if self.met:
            return word if surely else f"{word}, but the interval reaches beyond"
        possible = high >= self.bound if self.at_least else low <= self.bound
        return f"{word} (within the interval)" if possible else word

    @property
    def found(self) -> str:
        """The figure as a table shows it: with another digit where rounding would hide that it is missed."""
        text, value = str(self.figure), self.figure.value
        if value is None or self.met or round(value, 3) != self.bound:
            return text
        return text.replace(f"{value:.3f}", f"{value:.4f}", 1)

    @property
    def asked(self) -> str:
        """The bound as a table shows it."""
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}"
