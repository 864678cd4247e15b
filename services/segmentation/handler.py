"""StudyReceived in, StudySegmented out."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter
from pydantic import ValidationError

from segwatch.contracts.base import ObjectRef
from segwatch.contracts.envelope import Event, utc_now
from segwatch.contracts.identity import digest_of, result_id
from segwatch.contracts.studies import SecondOpinion, StudyReceived, StudySegmented
from segwatch.contracts.topics import SEGMENTED
from segwatch.errors import CorruptObject
from segwatch.segmentation.lung_classical import VERSION
from segwatch.segmentation.second_opinion import NnunetOpinion, OpinionGiver
from segwatch.segmentation.segmenter import (
    Lesion,
    LesionPredictor,
    Lung,
    LungPredictor,
    lesion_of,
    lung_of,
    no_lesion,
)
from segwatch.volumes.grid import GRID, grid_geometry, resample_ct, resample_mask
from segwatch.volumes.image import Mask, Volume
from segwatch.volumes.store import VolumeStore

NAME = "segmentation"


class StudySource:
    """Counts segmented studies by where their masks come from; a study found in the store counts too."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counter = Counter(
            "segwatch_segmentation_studies",
            "Studies segmented, by where the lesion mask comes from and how the lung mask was made.",
            ["lesion_source", "lung_method"],
            registry=registry,
        )

    def count(self, study: StudySegmented) -> None:
        self._counter.labels(study.lesion_source, study.lung_method).inc()


@dataclass(frozen=True)
class Segmentation:
    """The stage's handler.

    Attributes:
        mirroring: what the lesion model was told; part of the result's id.
        clock: seconds that only go forward.
        opinion: the model that gives a second opinion. Without it the lesion model gives one of masks that
            came with their study.
    """

    store: VolumeStore
    studies: StudySource
    lesion_model: LesionPredictor | None = None
    lung_model: LungPredictor | None = None
    mirroring: bool = True
    opinion: OpinionGiver | None = None
    now: Callable[[], datetime] = utc_now
    clock: Callable[[], float] = time.monotonic

    def handle(self, event: Event[StudyReceived]) -> Sequence[Event[StudySegmented]]:
        """Segment the study, unless its result lies in the store already: then announce that again.

        Raises:
            Unprocessable: `ct_not_in_hu`, `no_lesion_model`, `missing_object`, `corrupt_object`.
            StoreUnavailable: the volume store is away.
        """
        name = result_id(NAME, event.id, self._digest(event.data))
        segmented = self._remembered(name)
        if segmented is None:
            begun = self.clock()
            segmented = self._segment(event.data)
            segmented = segmented.model_copy(update={"segmentation_seconds": self.clock() - begun})
            self.store.put_result(name, segmented.model_dump_json().encode())
        self.studies.count(segmented)
        return [event.answered(NAME, name, SEGMENTED, segmented, self.now())]

    def _digest(self, study: StudyReceived) -> str:
        """What the masks depend on, besides the study: a model that is not asked leaves no trace."""
        lesion = self.lesion_model.identity.sha256 if self.lesion_model else None
        lung = self.lung_model.sha256 if self.lung_model else VERSION
        made = "none" if _no_mask(study) else [lesion, self.mirroring]
        made_of: dict[str, object] = {
            "lesion": "given" if study.lesion else made,
            "lung": "given" if study.lung else lung,
            "grid": GRID,
        }
        giver = self._giver(study)
        if giver is not None:
            made_of["opinion"] = [giver.identity.sha256, self.mirroring]
        return digest_of(made_of)

    def _giver(self, study: StudyReceived) -> OpinionGiver | None:
        """Who gives a second opinion of the study's mask: never the model that made it."""
        if study.ct_unit == "unknown" or (study.lesion is None and _no_mask(study)):
            return None
        if self.opinion is None:
            return NnunetOpinion(self.lesion_model) if study.lesion and self.lesion_model else None
        made_here = None if study.lesion or self.lesion_model is None else self.lesion_model.identity
        return None if self.opinion.identity == made_here else self.opinion

    def _remembered(self, name: str) -> StudySegmented | None:
        data = self.store.get_result(name)
        if data is None:
            return None
        try:
            return StudySegmented.model_validate_json(data)
        except ValidationError:
            return None  # written by an older version: done again

    def _segment(self, study: StudyReceived) -> StudySegmented:
        ct = Volume(self.store.load_volume(study.ct), study.geometry)
        given = self._given(study, study.lesion)
        if given is None and _no_mask(study):
            lesion = no_lesion(ct)
        else:
            lesion = lesion_of(ct, study.ct_unit, given, self.lesion_model)
        lung = lung_of(ct, study.ct_unit, self._given(study, study.lung), self.lung_model)
        giver = self._giver(study)
        opinion = None if giver is None else giver.opinion_of(ct, lung.mask, lesion.mask)
        return self._stored(study, ct, lesion, lung, opinion)

    def _given(self, study: StudyReceived, reference: ObjectRef | None) -> Mask | None:
        if reference is None:
            return None
        mask = self.store.load_mask(reference)
        if mask.shape != study.geometry.shape_zyx:
            raise CorruptObject(
                f"the given mask {reference.key} has the shape {mask.shape}, the CT"
                f" {study.geometry.shape_zyx}; send the study again"
            )
        return mask

    def _stored(
        self, study: StudyReceived, ct: Volume, lesion: Lesion, lung: Lung, opinion: SecondOpinion | None
    ) -> StudySegmented:
        """Store what is new, native and on the features' grid: features then need not open the volume."""
        save = self.store.save_mask
        return StudySegmented(
            **study.carried,
            ct_unit=study.ct_unit,
            geometry=study.geometry,
            grid=grid_geometry(study.geometry),
            ct=study.ct,
            lesion=study.lesion or save(lesion.mask),
            lung=study.lung or (save(lung.mask) if lung.mask is not None else None),
            ct_on_grid=self.store.save_volume(resample_ct(ct.array)),
            lesion_on_grid=save(resample_mask(lesion.mask)),
            lung_on_grid=save(resample_mask(lung.mask)) if lung.mask is not None else None,
            lesion_source=lesion.source,
            lung_method=lung.method,
            model=lesion.model,
            probabilities=lesion.probabilities,
            second_opinion=opinion,
            ct_unit_reason=study.ct_unit_reason,
        )


def _no_mask(study: StudyReceived) -> bool:
    """Whether the site wants no model to stand in for its own mask."""
    return study.arrival is not None and study.arrival.no_mask
