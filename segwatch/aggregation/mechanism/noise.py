"""Integer-exact discrete Laplace noise by OpenDP: the only noise that production draws.

Why OpenDP: its samplers work in exact integer arithmetic on the system's secure randomness (Canonne, Kamath
and Steinke 2020, algorithm 2), so that no floating-point artefact gives a value away (Mironov 2012), and
each mechanism states its own privacy loss, which is checked here against the budget before anything is drawn.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol


class Noise(Protocol):
    """Adds discrete Laplace noise of the scale sensitivity/epsilon to each of several integers."""

    def __call__(self, name: str, values: Sequence[int], *, sensitivity: int, epsilon: float) -> list[int]:
        """The noised values.

        Args:
            name: site, epoch, block and figure: what the noise is drawn for.
            values: the exact figures.
            sensitivity: by how much one slot's contents can change them, in L1.
            epsilon: the budget of all these values together.
        """
        ...


def draw(name: str, values: Sequence[int], *, sensitivity: int, epsilon: float) -> list[int]:
    """The values with noise from OpenDP, drawn anew on each call whatever the name."""
    del name
    noised: list[int] = _mechanism(sensitivity, epsilon)(list(values))
    return noised


def scale_of(sensitivity: int, epsilon: float) -> float:
    """The smallest scale, in floating point, whose privacy loss OpenDP bounds by epsilon."""
    scale = sensitivity / epsilon
    while _laplace(scale).map(sensitivity) > epsilon:
        scale = math.nextafter(scale, math.inf)
    return scale


@lru_cache(maxsize=64)
def _mechanism(sensitivity: int, epsilon: float) -> Any:  # noqa: ANN401 - OpenDP carries no types
    return _laplace(scale_of(sensitivity, epsilon))


def _laplace(scale: float) -> Any:  # noqa: ANN401 - OpenDP carries no types
    import opendp.prelude as dp

    dp.enable_features("contrib")
    domain = dp.vector_domain(dp.atom_domain(T="i64"))
    return dp.m.make_laplace(domain, dp.l1_distance(T="i64"), scale=scale)
