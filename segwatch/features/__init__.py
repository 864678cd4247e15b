"""The features of a mask, measured without ground truth.

`measure` measures arrays; `segwatch.volumes.grid` resamples them; `registry` lists the catalogue.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segwatch.features.measuring import Measures, measure

__all__ = ["Measures", "measure"]


def __getattr__(name: str) -> object:
    """Load what measures (numba) only when it is asked for, so that `segwatch --help` is quick."""
    if name not in __all__:
        raise AttributeError(name)
    from segwatch.features import measuring

    return getattr(measuring, name)
