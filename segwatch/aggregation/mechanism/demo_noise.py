"""Discrete Laplace noise that can be drawn again: for a demonstration that tells the same story each time.

It protects nobody. A policy whose version starts with `demo` is needed to switch it on, every release names
that policy, and the service says loudly that it is on.
"""

import hashlib
import logging
import math
import random
from collections.abc import Callable, Sequence

from segwatch.aggregation.mechanism.noise import Noise, draw
from segwatch.contracts.policy import SitePolicy
from segwatch.errors import BadSettings

DEMO = "demo"
_log = logging.getLogger(__name__)


class SeededNoise:
    """The noise is a function of the seed and of what it is drawn for, and of nothing else."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(self, name: str, values: Sequence[int], *, sensitivity: int, epsilon: float) -> list[int]:
        """The values with noise of the same distribution as production's, from a known generator."""
        digest = hashlib.sha256(f"{self._seed}/{name}".encode()).digest()
        generator = random.Random(digest)  # noqa: S311 - repeatable on purpose, and never in production
        scale = sensitivity / epsilon
        return [value + _geometric(generator, scale) - _geometric(generator, scale) for value in values]


def choose_noise(policy: SitePolicy, seed: int | None) -> Callable[[SitePolicy], Noise]:
    """The noise under the policy that a block is closed under: OpenDP's, or where a seed is given the seeded.

    That may still be the one before the policy file's, and then a seed has no say.

    Raises:
        BadSettings: a seed with a policy file that is not a demonstration's.
    """
    if seed is None:
        return lambda _policy: draw
    if not policy.version.startswith(DEMO):
        raise BadSettings(
            "SEGWATCH_DEMO_NOISE_SEED makes the noise foreseeable and protects nobody: it is refused with the"
            f" policy version {policy.version}; unset it (a demonstration's version starts with {DEMO})"
        )
    _log.warning(
        "DEMONSTRATION NOISE: the noise is foreseeable and protects nobody; never with patients' data"
    )
    seeded = SeededNoise(seed)
    return lambda in_force: seeded if in_force.version.startswith(DEMO) else draw


def _geometric(generator: random.Random, scale: float) -> int:
    """Failures before the first success; the difference of two is discrete Laplace of that scale."""
    return math.floor(-scale * math.log(1.0 - generator.random()))
