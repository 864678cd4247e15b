"""How much a fuzz looks at: `FUZZ=200 pytest tests/integration/fuzz` looks further, at random."""

import os
import resource
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, settings

EXAMPLES = int(os.environ.get("FUZZ", "0"))
MOST_MORE_BYTES = 400 * 1024**2
"""Far above what a batch needs, far below what a hostile size could ask for."""


def looked_at(few: int) -> Callable[[Any], Any]:
    """So many examples, the same each time, where FUZZ does not say more."""
    return settings(
        max_examples=EXAMPLES or few,
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.generate,),  # a failure names its record: making the batch smaller takes long
        suppress_health_check=list(HealthCheck),
    )


def peak() -> int:
    """The most bytes that this process had resident so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
