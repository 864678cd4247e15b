"""What nnU-Net's dataset.json says of a dataset: one CT channel, file ending, labels, and where images lie.

Source: nnU-Net v2's documentation, "nnU-Net dataset format" and "Region-based training".
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segwatch.errors import BadInput
from segwatch.volumes.read import IMAGES

NAME = "dataset.json"
BACKGROUND, IGNORE = "background", "ignore"


@dataclass(frozen=True)
class DatasetJson:
    """A dataset of one channel.

    Attributes:
        path: of the file.
        channel: its only channel's name.
        ending: of images and masks.
        labels: the values that each label, or region, has in a mask.
        listed: of each case its image and truth, where the file lists them; empty where folders do.
    """

    path: Path
    channel: str
    ending: str
    labels: Mapping[str, tuple[int, ...]]
    listed: Mapping[str, tuple[Path, Path]]

    def lesion_values(self, names: Sequence[str]) -> tuple[int, ...]:
        """The values of the labels that are lesion: those that are named, by name or value; the only one.

        Raises:
            BadInput: there is no such label, or there are several and none is named.
        """
        if not names:
            if len(self.labels) != 1:
                raise BadInput(
                    f"{self.path} has the labels {', '.join(self.labels)}: say with --lesion-label which is "
                    "lesion (it may be given again)"
                )
            names = list(self.labels)
        by_value = {str(values[0]): name for name, values in self.labels.items() if len(values) == 1}
        found: set[int] = set()
        for name in names:
            known = name if name in self.labels else by_value.get(name)
            if known is None:
                raise BadInput(f"--lesion-label {name}: {self.path} has the labels {', '.join(self.labels)}")
            found |= set(self.labels[known])
        return tuple(sorted(found))


def read_dataset_json(path: Path) -> DatasetJson:
    """What the file says.

    Raises:
        BadInput: there is none, or it describes what segwatch cannot measure; says what.
    """
    about = read_json(path)
    if not isinstance(about, dict):
        raise BadInput(f"{path} is no dataset.json of nnU-Net's: it holds no object")
    ending = str(about.get("file_ending", ".nii.gz"))
    if ending.lower() not in IMAGES:
        raise BadInput(f"{path}: images that end in {ending} are not read; there are {', '.join(IMAGES)}")
    return DatasetJson(path, _channel(about, path), ending, _labels(about, path), _listed(about, path))


def check_alike(one: DatasetJson, other: DatasetJson) -> None:
    """Nothing, where both describe one dataset.

    Raises:
        BadInput: labels, channel or ending differ: results and raw do not belong together.
    """
    for what in ("labels", "channel", "ending"):
        here, there = getattr(one, what), getattr(other, what)
        if here != there:
            raise BadInput(
                f"{one.path} and {other.path} differ in {what} ({here} and {there}): results and raw data "
                "are not of one dataset"
            )


def read_json(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    """What a JSON file holds.

    Raises:
        BadInput: it cannot be read, or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}): is its folder one of nnU-Net's?") from None
    except ValueError as error:
        raise BadInput(f"{path} is no JSON ({error}): copy it again from where nnU-Net wrote it") from None


def _channel(about: Mapping[str, Any], path: Path) -> str:
    channels = about.get("channel_names", about.get("modality"))
    if not isinstance(channels, dict) or not channels:
        raise BadInput(f"{path} has no channel_names: is it of nnU-Net's?")
    if len(channels) > 1:
        raise BadInput(
            f"{path} has {len(channels)} channels ({', '.join(map(str, channels.values()))}): segwatch "
            "measures masks on one CT, so only models of one channel can be taken"
        )
    return str(next(iter(channels.values())))


def _labels(about: Mapping[str, Any], path: Path) -> dict[str, tuple[int, ...]]:
    """All but the background. nnU-Net v1 names them the other way round."""
    labels = about.get("labels")
    if not isinstance(labels, dict):
        raise BadInput(f"{path} has no labels: is it of nnU-Net's?")
    if labels and all(str(name).isdigit() for name in labels):
        labels = {str(name): int(value) for value, name in labels.items()}
    if IGNORE in labels:
        raise BadInput(
            f"{path} has a label `ignore`: parts without truth have no Dice, so such a dataset is not taken"
        )
    try:
        found = {
            str(name): tuple(int(value) for value in (values if isinstance(values, list) else [values]))
            for name, values in labels.items()
        }
    except (TypeError, ValueError):
        raise BadInput(f"{path}: its labels are not numbers or lists of numbers") from None
    found = {name: values for name, values in found.items() if name != BACKGROUND and values != (0,)}
    if not found:
        raise BadInput(f"{path} has no label beside the background")
    return found


def _listed(about: Mapping[str, Any], path: Path) -> dict[str, tuple[Path, Path]]:
    listed = about.get("dataset")
    if not isinstance(listed, dict):
        return {}

    def file(text: object) -> Path:
        return path.parent / os.path.expandvars(str(text))

    try:
        return {str(name): (file(case["images"][0]), file(case["label"])) for name, case in listed.items()}
    except (KeyError, IndexError, TypeError):
        raise BadInput(f"{path}: each entry of `dataset` needs images and label") from None
