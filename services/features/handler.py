"""One segmented study in, one measured study out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from segwatch.contracts.envelope import Event
from segwatch.contracts.identity import digest_of, result_id
from segwatch.contracts.studies import StudyMeasured, StudySegmented
from segwatch.contracts.topics import MEASURED
from segwatch.features.card import Feature
from segwatch.features.measuring import Measures, measure_scene
from segwatch.features.profiles import FeatureOptions
from segwatch.features.registry import versions_of
from segwatch.volumes.store import VolumeStore
from services.features.fetch import scene_of
from services.features.metrics import FeaturesMetrics

NAME = "features"


@dataclass(frozen=True)
class Measuring:
    """The stage's work: fetch the arrays, measure, name the result after its parent and the options."""

    store: VolumeStore
    options: FeatureOptions
    features: Sequence[Feature]
    metrics: FeaturesMetrics
    now: Callable[[], datetime]

    def handle(self, event: Event[StudySegmented]) -> Sequence[Event[StudyMeasured]]:
        """The measured study, with an id that a second copy of the same study bears too."""
        study = event.data
        measures = self.store.use(study.ct_on_grid, partial(self._measure, study))
        self.metrics.count(measures.status)
        name = result_id(NAME, event.id, digest_of(self._made_with()))
        return [event.answered(NAME, name, MEASURED, measured(study, measures), self.now())]

    def _measure(self, study: StudySegmented, packed_ct: bytes) -> Measures:
        costs = {each.card.cost for each in self.features}
        return measure_scene(scene_of(study, packed_ct, self.store, self.options, costs), self.features)

    def _made_with(self) -> list[object]:
        options = self.options
        versions = versions_of([each.card.name for each in self.features])
        return [versions, options.profile, options.components, options.axis, options.min_voxels]


def measured(study: StudySegmented, measures: Measures) -> StudyMeasured:
    """The message that carries the measures."""
    return StudyMeasured(
        **study.carried,
        ct_unit=study.ct_unit,
        lesion_source=study.lesion_source,
        lung_method=study.lung_method,
        model=study.model,
        status=measures.status,
        features=measures.features,
        undefined=measures.undefined,
        profile=measures.profile,
        components=measures.components,
        lesion_ml=measures.features.get("lesion_volume_ml"),
        feature_versions=measures.feature_versions,
        segmentation_seconds=study.segmentation_seconds,
        opinion=measures.opinion,
        ensemble=measures.ensemble,
    )
