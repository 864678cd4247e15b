"""Valid messages of every type, to be changed field by field in tests."""

from datetime import UTC, date, datetime
from typing import Any

from segwatch.contracts.base import Geometry, ModelIdentity, ObjectRef
from segwatch.contracts.decisions import SiteDecision
from segwatch.contracts.envelope import Event
from segwatch.contracts.excess import SiteExcess
from segwatch.contracts.ledger import BlockClosed, CountedStudy, LedgerRecord
from segwatch.contracts.release import Heartbeat, Portrait, Pulse, SiteRelease
from segwatch.contracts.scorer_decisions import ScorerDecision
from segwatch.contracts.studies import StudyMeasured, StudyReceived, StudyScored, StudySegmented
from segwatch.contracts.topics import (
    DECISIONS,
    EXCESS,
    LEDGER,
    MEASURED,
    RECEIVED,
    RELEASE,
    SCORED,
    SCORER_DECISIONS,
    SEGMENTED,
)

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
STUDY = "5" * 32
PATIENT = "9" * 32
SHA = "ab" + "0" * 62
REF = ObjectRef(key=f"objects/ab/{SHA}.b2", sha256=SHA, bytes=10)
GEOMETRY = Geometry(
    shape_zyx=(50, 512, 512),
    spacing_zyx_mm=(5.0, 0.7, 0.7),
    origin_xyz_mm=(0.0, 0.0, 0.0),
    direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
)
MODEL = ModelIdentity(name="demo", sha256=SHA)
WHOSE: dict[str, Any] = {"study": STUDY, "patient": PATIENT, "received_at": NOW}

MESSAGES: dict[str, Any] = {
    RECEIVED: StudyReceived(**WHOSE, arrived_by="folder", ct=REF, ct_unit="hu", geometry=GEOMETRY),
    SEGMENTED: StudySegmented(
        **WHOSE,
        ct_unit="hu",
        geometry=GEOMETRY,
        grid=GEOMETRY,
        ct=REF,
        lesion=REF,
        lung=None,
        ct_on_grid=REF,
        lesion_on_grid=REF,
        lung_on_grid=None,
        lesion_source="nnunet",
        lung_method="none",
        model=MODEL,
    ),
    MEASURED: StudyMeasured(
        **WHOSE,
        ct_unit="hu",
        lesion_source="nnunet",
        lung_method="none",
        model=MODEL,
        status="partly_undefined",
        features={"connected_components": 3.0, "lesions_within_lungs": None},
        undefined={"lesions_within_lungs": "no_lung"},
        profile="paper",
        components="26",
    ),
    SCORED: StudyScored(
        **WHOSE,
        status="scored",
        bins=(0.0, 0.0, 0.1, 0.2, 0.7),
        predicted_dice=0.8,
        interval=(0.6, 0.9),
        failure_probability=0.1,
        predicted_failed=False,
        needs_attention=False,
        reasons=(),
        drivers=(),
        features={"connected_components": 3.0},
        lesion_source="nnunet",
        model=MODEL,
        scorer=MODEL,
    ),
    LEDGER: LedgerRecord(
        BlockClosed(
            kind="block",
            studies=tuple(
                CountedStudy(study=f"{number:032x}", patient=PATIENT, ordinal=number + 1)
                for number in range(20)
            ),
            closed_at=NOW,
            figures=Pulse(
                kind="pulse",
                epoch=1,
                number=0,
                k=20,
                policy_version="1",
                closed=date(2026, 11, 23),
                epsilon=1.0,
                needs_attention=-1,
            ),
        )
    ),
    RELEASE: SiteRelease(
        Portrait(
            kind="portrait",
            epoch=1,
            number=0,
            k=100,
            policy_version="1",
            closed=date(2026, 11, 23),
            epsilon=2.0,
            epsilon_histogram=1.0,
            histogram=(0, 1, 2, 3, 90, 5, -1),
        )
    ),
    SCORER_DECISIONS: ScorerDecision(
        decision="promote",
        number=0,
        counts=MODEL,
        instead_of=ModelIdentity(name="demo", sha256="cd" + "0" * 62),
        reason="it finds more",
        who="somebody@somewhere",
        at=NOW,
    ),
}
MESSAGES[EXCESS] = SiteExcess(site="hospital-a", log10_excess=-1.25)
MESSAGES[DECISIONS] = SiteDecision(
    decision="acknowledge",
    site="hospital-a",
    reason="a phantom was sent",
    who="somebody@desk",
    at=NOW,
    epoch=1,
    pulse=7,
)
HEARTBEAT = SiteRelease(
    Heartbeat(kind="heartbeat", epoch=1, number=7, interval_seconds=300, policy_version="1")
)


def event_of(topic: str, **changes: Any) -> Event[Any]:
    """A valid event of the topic's type, with fields of the message changed."""
    return Event(
        id="1" * 32,
        type=topic,
        key=STUDY,
        source="/tests",
        time=NOW,
        data=MESSAGES[topic].model_copy(update=changes),
        correlation="c0",
    )
