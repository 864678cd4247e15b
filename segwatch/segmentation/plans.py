"""What nnU-Net's `plans.json` and `dataset.json` say of the axes that a network is shown, and its labels."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from segwatch.errors import RefusedModel
from segwatch.volumes.labels import ANY, LesionLabel, names_in

CANONICAL = "LPS"
READERS: Mapping[str, tuple[str, bool]] = {
    "SimpleITKIO": (CANONICAL, False),
    "NibabelIO": (CANONICAL, False),
    "NibabelIOWithReorient": ("RAS", True),
    "SimpleITKIOWithReorient": ("RAS", True),
}
"""For each of nnU-Net's readers where x, y and z of its arrays run to, and whether that is so for every file.

The others show a file's own axes. A CT that comes as DICOM has x to the left, y to posterior and z to
superior (LPS), and so has a file that was made of it without turning it.
"""
_OPPOSITE = {"L": "R", "P": "A", "S": "I"}


def axes_of(plans: Path, asked: str = "") -> str:
    """Where x, y and z run to in the arrays that the network was trained on, as in `LPS` or `RAS`.

    Args:
        plans: nnU-Net's `plans.json`.
        asked: how the files lay that it was trained on, where the reader takes each as it lies; empty: LPS.

    Raises:
        RefusedModel: the file names no reader, or one whose axes are not known; or `asked` cannot be.
    """
    try:
        reader = json.loads(plans.read_bytes())["image_reader_writer"]
        axes, always = READERS[reader]
    except (ValueError, TypeError):
        raise RefusedModel(f"{plans} is no plans.json of nnU-Net's") from None
    except KeyError as missing:
        raise RefusedModel(
            f"{plans}: the reader of its images is {missing}, whose axes are not known here; there are "
            f"{', '.join(READERS)}"
        ) from None
    if not asked:
        return axes
    allowed = all(letter in pair for letter, pair in zip(asked, _OPPOSITE.items(), strict=False))
    if len(asked) != 3 or not allowed:
        raise RefusedModel(f"--axes {asked}: it is L or R, P or A, S or I, as in {CANONICAL}")
    if always and asked != axes:
        raise RefusedModel(f"--axes {asked}: {reader} turns every file to {axes}; leave the option away")
    return asked


def stage_before(plans: Path, configuration: str) -> str | None:
    """The configuration whose masks this one builds on, as `3d_cascade_fullres` does; None for others."""
    try:
        of_all = json.loads(plans.read_bytes())["configurations"]
        before = of_all[configuration].get("previous_stage")
    except (ValueError, TypeError, KeyError, AttributeError):
        return None  # nnU-Net itself says what is wrong with them
    return str(before) if before else None


def cascade(before: str) -> str:
    """What is wrong with a network that has a stage before."""
    return f"is a cascade's, which needs the masks of {before} as input: give a network that needs a CT only"


def check_one_channel(dataset: Path) -> None:
    """Nothing, where `dataset.json` names one kind of image: a study is one CT.

    Raises:
        RefusedModel: it names several.
    """
    about = json.loads(dataset.read_bytes())
    channels = about.get("channel_names", about.get("modality")) or {}
    if len(channels) > 1:
        named = ", ".join(map(str, dict(channels).values()))
        raise RefusedModel(f"{dataset} names {len(channels)} channels ({named}): a study is one CT")


def flips_to(axes: str) -> tuple[slice, slice, slice]:
    """What turns a canonical array (z, y, x) into one with these axes, and back again.

    Examples:
        >>> flips_to("RAS")
        (slice(None, None, None), slice(None, None, -1), slice(None, None, -1))
    """
    x, y, z = (slice(None, None, None if a == c else -1) for a, c in zip(axes, CANONICAL, strict=True))
    return z, y, x


def lesion_labels(dataset: Path, asked: LesionLabel) -> frozenset[int]:
    """The numbers in the network's label image that are lesion.

    Args:
        dataset: nnU-Net's `dataset.json`.
        asked: which label is lesion; may be unsaid where there is only one.

    Raises:
        RefusedModel: it names several labels and nobody said which, or does not name the one that was said.
    """
    named = names_in(dataset)
    if not named:
        raise RefusedModel(f"{dataset} names no label beside the background")
    everything = frozenset().union(*named.values())
    if not asked.said:
        if len(named) > 1:
            raise RefusedModel(f"{dataset} names {_listed(named)}: say which is lesion with --lesion-label")
        return everything
    if asked.said == ANY:
        return everything
    by_name = {name.lower(): numbers for name, numbers in named.items()}
    unknown = [name for name in asked.names if name.lower() not in by_name]
    unknown += [str(number) for number in sorted(asked.numbers - everything)]
    if unknown:
        raise RefusedModel(f"{dataset} names {_listed(named)}, and no {unknown[0]!r}: give one of them")
    return asked.numbers.union(*(by_name[name.lower()] for name in asked.names))


def _listed(named: Mapping[str, Iterable[int]]) -> str:
    return ", ".join(f"{name} ({'+'.join(map(str, sorted(n)))})" for name, n in named.items())
