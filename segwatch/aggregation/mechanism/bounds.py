"""Clip bounds and integer steps of the features whose means may leave: from public data, never a site's.

A mean is taken over whole steps between the bounds, so that its noise is integer-exact. A study without a
value, or beyond its patient's limit, keeps its slot with the middle step, which depends on nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bound:
    """Where a feature is clipped, in its own unit, and into how many steps the range is cut.

    Attributes:
        source: where the bounds come from.
    """

    low: float
    high: float
    steps: int
    source: str

    @property
    def fixed_step(self) -> int:
        """The step of a slot that has no value of its own."""
        return self.steps // 2

    def step_of(self, value: float) -> int:
        """The nearest step of a value, clipped, in 0 to `steps`.

        Examples:
            >>> bound = Bound(0.0, 1.0, 100, "by definition")
            >>> bound.step_of(0.5), bound.step_of(-3.0), bound.step_of(9.0)
            (50, 0, 100)
        """
        clipped = min(max(value, self.low), self.high)
        return round((clipped - self.low) / (self.high - self.low) * self.steps)

    def value_of(self, steps: float) -> float:
        """The value that lies `steps` above the lower bound; outside the bounds where noise led there."""
        return self.low + (self.high - self.low) * steps / self.steps


BOUNDS: Mapping[str, Bound] = {
    "connected_components": Bound(
        0.0, 200.0, 200, "50 expert masks of MosMedData, 26-neighbourhood: median 44, 95 % up to 168"
    ),
    "intensity_mode": Bound(
        -1000.0, 400.0, 140, "air to enhanced soft tissue in HU, the range that lung CT is displayed in"
    ),
    "segmentation_smoothness": Bound(0.0, 1.0, 100, "a mean of Dice values, by definition"),
    "lesions_within_lungs": Bound(0.0, 1.0, 100, "a share of voxels, by definition"),
}
"""The features that a policy's `means_of` may name."""
