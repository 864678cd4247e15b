"""segwatch: quality monitoring of lesion segmentation in hospitals, without ground truth.

This is the library's face: measure a mask, score what was measured, train a scorer from a table. All else is
in the rooms (`segwatch.volumes`, `segwatch.features` …). Nothing is imported before it is asked for; what
needs an extra says which.

```
scorer = segwatch.load_scorer(Path("deploy/models/covid20-scorer"))
case = segwatch.Request(ct, lesion, lung, features=scorer.manifest.feature_names)
score = segwatch.score(segwatch.measure_files(case), scorer)
```
"""

from importlib import import_module
from typing import TYPE_CHECKING

from segwatch.extras import ROOMS, installed, sentence

if TYPE_CHECKING:
    from segwatch.cohorts.table import Cohort as Cohort
    from segwatch.cohorts.table import read_cohort as read_cohort
    from segwatch.errors import SegwatchError as SegwatchError
    from segwatch.features.files import Request as Request
    from segwatch.features.files import measure_files as measure_files
    from segwatch.features.measuring import Measures as Measures
    from segwatch.features.measuring import measure as measure
    from segwatch.features.registry import FEATURES as FEATURES
    from segwatch.phantoms.phantom import Phantom as Phantom
    from segwatch.phantoms.phantom import make_phantom as make_phantom
    from segwatch.scoring.bundle import Scorer as Scorer
    from segwatch.scoring.bundle import load, save
    from segwatch.scoring.score import Score as Score
    from segwatch.scoring.score import score as score
    from segwatch.training.train import Trained as Trained
    from segwatch.training.train import train as train
    from segwatch.volumes.grid import grid_geometry as grid_geometry
    from segwatch.volumes.grid import resample_ct as resample_ct
    from segwatch.volumes.grid import resample_mask as resample_mask
    from segwatch.volumes.image import Volume as Volume
    from segwatch.volumes.read import read_ct as read_ct
    from segwatch.volumes.read import read_mask as read_mask

    load_scorer, save_scorer, __version__ = load, save, ""

_HOMES = {
    "Cohort": "cohorts.table",
    "FEATURES": "features.registry",
    "Measures": "features.measuring",
    "Phantom": "phantoms.phantom",
    "Request": "features.files",
    "Score": "scoring.score",
    "Scorer": "scoring.bundle",
    "SegwatchError": "errors",
    "Trained": "training.train",
    "Volume": "volumes.image",
    "grid_geometry": "volumes.grid",
    "load_scorer": "scoring.bundle:load",
    "make_phantom": "phantoms.phantom",
    "measure": "features.measuring",
    "measure_files": "features.files",
    "read_cohort": "cohorts.table",
    "read_ct": "volumes.read",
    "read_mask": "volumes.read",
    "resample_ct": "volumes.grid",
    "resample_mask": "volumes.grid",
    "save_scorer": "scoring.bundle:save",
    "score": "scoring.score",
    "train": "training.train",
}
"""Where each name is defined, and as what where it has another name there."""

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> object:
    """A name of `__all__`, imported when it is first asked for."""
    if name == "__version__":
        value: object = import_module("importlib.metadata").version("segwatch")
    elif name in _HOMES:
        module, _, there = _HOMES[name].partition(":")
        try:
            value = getattr(import_module(f"segwatch.{module}"), there or name)
        except ModuleNotFoundError as error:
            needs = sentence(f"segwatch.{name}", ROOMS[module.partition(".")[0]], error)
            raise ImportError(needs, name=error.name) from error
    else:
        raise AttributeError(f"module 'segwatch' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """What can be had here: `help(segwatch)` imports every name, and would end at the first missing extra."""
    here = (name for name, home in _HOMES.items() if installed(home.partition(".")[0]))
    return sorted({*globals(), "__version__", *here})
