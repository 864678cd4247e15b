"""The stages of a hospital one behind the other, in this process, without a log: a case in, its score out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from segwatch.contracts.envelope import utc_now
from segwatch.contracts.studies import StudyScored
from segwatch.dicom_masks.joining import Wish
from segwatch.features.profiles import options
from segwatch.features.registry import feature
from segwatch.scoring.bundle import load
from segwatch.volumes.labels import LesionLabel
from segwatch.volumes.store import VolumeStore
from services.features.handler import Measuring
from services.features.metrics import FeaturesMetrics
from services.ingest.case import CaseFiles
from services.ingest.handler import Ingest
from services.scoring.handler import Scoring
from services.scoring.metrics import ScoringMetrics
from services.segmentation.handler import Segmentation, StudySource
from tests.support.folders import made

SCORER = Path(__file__).parents[2] / "deploy" / "models" / "demo-scorer"
HOW_IT_CAME = {"study", "patient", "received_at", "arrived_by", "arrival", "scanner"}


@dataclass(frozen=True)
class Stages:
    """Ingest, segmentation, features and scoring on one store."""

    folder: Path

    def scored(self, files: Path | CaseFiles, label: str = "") -> StudyScored:
        """What a case is scored as."""
        store = VolumeStore(str(made(self.folder / "store")))
        registry = CollectorRegistry()
        scorer = load(SCORER)
        event: Any = (
            Ingest(store, b"a secret of enough bytes", wish=Wish(LesionLabel(label))).prepare(files).event
        )
        features = [feature(each.name) for each in scorer.manifest.features]
        stages: Sequence[Any] = (
            Segmentation(store, StudySource(registry)),
            Measuring(
                store, options("paper", "26", None, None), features, FeaturesMetrics(registry), utc_now
            ),
            Scoring(scorer, ScoringMetrics(registry), utc_now),
        )
        for stage in stages:
            (event,) = stage.handle(event)
        scored: StudyScored = event.data
        return scored


def as_measured(scored: StudyScored) -> dict[str, Any]:
    """All that is said of a study but how it arrived and whose it is."""
    return scored.model_dump(exclude=HOW_IT_CAME)
