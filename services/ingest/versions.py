"""Whether a study that comes again is the same, more of the same, or another one under its name."""

from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from segwatch.contracts.base import Geometry
from segwatch.contracts.studies import StudyReceived
from segwatch.errors import MissingObject
from segwatch.volumes.image import Array
from segwatch.volumes.store import VolumeStore
from services.ingest.case import IncomingCase

Relation = Literal["same", "more", "less", "other"]
SAME_PLACE_VOXELS = 0.01


class Announced(BaseModel):
    """What ingest remembers of the last version of a study that it announced.

    Attributes:
        digest: of its content.
        event: the announcement's id; what an older version remembered has none, nor the announcement.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    digest: str
    event: str | None = None
    received: StudyReceived | None = None

    @property
    def version(self) -> int:
        """Which version of the study it is."""
        arrival = self.received.arrival if self.received else None
        return arrival.version if arrival else 1


def read_announced(data: bytes | None) -> Announced | None:
    """What was remembered; None where nothing was, or nothing that can be read."""
    try:
        return None if data is None else Announced.model_validate_json(data)
    except ValidationError:
        return None


def relation(before: Announced, case: IncomingCase, digest: str, trial: bool, store: VolumeStore) -> Relation:
    """How a case relates to the version of its study that was announced.

    `more` holds all of it: more slices, or the same with other masks; or it is whole where that may have been
    a part, or counts where that was on trial. `less` is a part of it.

    Raises:
        StoreUnavailable: the store is away.
    """
    if before.digest == digest:
        return "same"
    old = before.received
    if old is None or old.ct_unit != case.ct_unit:
        return "other"
    try:
        ct = store.load_volume(old.ct)
    except MissingObject:
        return "other"
    if _contains(case.ct.array, case.ct.geometry, ct, old.geometry):
        grown = case.ct.array.shape != ct.shape
        worse = _incomplete(old) is None and case.incomplete is not None
        return "less" if worse and not grown else _masks(old, case, trial, grown, store)
    return "less" if _contains(ct, old.geometry, case.ct.array, case.ct.geometry) else "other"


def _masks(old: StudyReceived, case: IncomingCase, trial: bool, grown: bool, store: VolumeStore) -> Relation:
    """The CT holds all that was announced; whether anything is new of it, or of its masks."""
    mended = _incomplete(old) is not None and case.incomplete is None
    counted = old.arrival is not None and old.arrival.trial and not trial
    pairs = ((old.lesion, case.lesion), (old.lung, case.lung))
    new_masks = any(
        mask is not None and (ref is None or not np.array_equal(store.load_mask(ref), mask))
        for ref, mask in pairs
    )
    return "more" if grown or mended or counted or new_masks else "less"


def _incomplete(study: StudyReceived) -> str | None:
    return study.arrival.incomplete if study.arrival else None


def _contains(whole: Array, of_whole: Geometry, part: Array, of_part: Geometry) -> bool:
    """Whether every slice of the part is a slice of the whole, at its place in the patient."""
    if whole.shape[1:] != part.shape[1:] or not _alike(of_whole, of_part):
        return False
    normal = np.reshape(of_whole.direction, (3, 3))[2]
    offset = np.subtract(of_part.origin_xyz_mm, of_whole.origin_xyz_mm)
    start = float(normal @ offset)
    across = float(np.linalg.norm(offset - start * normal))
    step, part_step = of_whole.spacing_zyx_mm[0], of_part.spacing_zyx_mm[0]
    places = (start + np.arange(len(part)) * part_step) / step
    rows = np.rint(places).astype(int)
    if (
        np.abs(places - rows).max() > SAME_PLACE_VOXELS
        or across > SAME_PLACE_VOXELS * of_whole.spacing_zyx_mm[1]
    ):
        return False
    if rows.min() < 0 or rows.max() >= len(whole):
        return False
    return bool(np.array_equal(whole[rows], part))


def _alike(one: Geometry, other: Geometry) -> bool:
    def near(a: Any, b: Any) -> bool:  # noqa: ANN401 - tuples of numbers
        return bool(np.allclose(a, b, rtol=0, atol=1e-3))

    return near(one.direction, other.direction) and near(one.spacing_zyx_mm[1:], other.spacing_zyx_mm[1:])
