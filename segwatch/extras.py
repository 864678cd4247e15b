"""Which extra of the wheel a command or a room of the library needs, and what is said where it is missing."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from types import MappingProxyType

ROOMS: Mapping[str, str] = MappingProxyType(
    {
        "cohorts": "evaluation",
        "features": "features",
        "phantoms": "features",
        "scoring": "scoring",
        "training": "evaluation",
        "volumes": "volumes",
    }
)
"""Those that the face imports from."""
PACKAGES: Mapping[str, str] = MappingProxyType(
    {"evaluation": "pyarrow", "features": "scipy", "scoring": "skops", "volumes": "nibabel"}
)
"""One of each of these extras that no smaller one has."""
COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "bundle": "segmentation",
        "calibrate": "evaluation",
        "cohort": "evaluation",
        "dashboards": "dashboards",
        "demo-cohort": "evaluation,segmentation",
        "demo-model": "segmentation",
        "evaluate": "evaluation",
        "features": "features",
        "install-model": "volumes",
        "intake": "ingest",
        "measure": "features",
        "measure --cohort": "evaluation",
        "measure --figure": "evaluation",
        "models": "scoring",
        "onboard": "evaluation",
        "phantom": "features",
        "privacy": "aggregation",
        "privacy audit": "aggregation,evaluation",
        "report": "aggregation,federation",
        "review": "evaluation",
        "score": "evaluation",
        "scorer promote": "scoring",
        "scorer rollback": "scoring",
        "site": "federation",
        "train": "evaluation",
    }
)
"""As the docs pages name them; other commands need none. A second word is a sub-command or an option."""


def extra_of(words: Sequence[str]) -> str | None:
    """The extra that a command line needs; None where it needs none."""
    command, *others = *words, ""
    longer = (COMMANDS.get(f"{command} {word.partition('=')[0]}") for word in others)
    return next((extra for extra in longer if extra), COMMANDS.get(command))


def installed(room: str) -> bool:
    """Whether the face's room can be imported here. Nothing is imported to find out."""
    return room not in ROOMS or find_spec(PACKAGES[ROOMS[room]]) is not None


def sentence(what: str, extra: str, missing: ModuleNotFoundError) -> str:
    """What to install."""
    return f'{what} needs `pip install "segwatch[{extra}]"`: {missing.name} is not installed'
