"""What follows from what: an alert is not told while the one that explains it stands."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Cause:
    """An alert that explains others.

    Attributes:
        alert: the cause.
        explains: what is not told meanwhile.
        equal: labels that must be the same in both; none where the cause is everybody's.
    """

    alert: str
    explains: tuple[str, ...]
    equal: tuple[str, ...] = ()


_SITES = (
    "SegwatchSiteSilent",
    "SegwatchSitesSilent",
    "SegwatchSiteTopicMissing",
    "SegwatchSiteWithoutPulses",
    "SegwatchReleasesVanished",
    "SegwatchReleaseRefused",
    "SegwatchReleaseConflict",
    "SegwatchReleaseGap",
    "SegwatchSiteNeverHeard",
    "SegwatchSiteClockWrong",
)
_STAGES = (
    "SegwatchStageBehind",
    "SegwatchStageStuck",
    "SegwatchPartitionStuck",
    "SegwatchDependencyAway",
    "SegwatchNotReady",
)
_INTAKE = ("SegwatchIngestStuck", "SegwatchInboxEntryStuck")
_LATE = ("SegwatchStudiesLate", "SegwatchStudiesOftenLate")

CAUSES = (
    # Nobody at the centre looks: what is known of the sites is old.
    Cause("SegwatchFederationDown", (*_SITES, "SegwatchFederationCannotRead", "SegwatchSitesUnwatched")),
    Cause("SegwatchFederationCannotRead", (*_SITES, "SegwatchSitesUnwatched")),
    Cause("SegwatchKafkaPartitionsOffline", (*_STAGES, *_SITES, "SegwatchKafkaUnderReplicated")),
    # Many at once have one cause, which is not theirs.
    Cause("SegwatchSitesSilent", ("SegwatchSiteSilent",)),
    Cause("SegwatchDiskFull", ("SegwatchDiskFilling",), ("site", "disk")),
    Cause("SegwatchCertificateEndsSoon", ("SegwatchCertificateEnding",), ("site", "file")),
    # One bad model update at many sites is one page, which names them.
    Cause("SegwatchFleetQualityDrop", ("SegwatchQualityDrop",)),
    # A process that is down explains why its studies wait.
    Cause("SegwatchInstanceDown", (*_STAGES, *_LATE), ("site",)),
    # So does one that can do no work, and why it cannot: a full disk.
    Cause(
        "SegwatchNotReady",
        (*(stage for stage in _STAGES if stage != "SegwatchNotReady"), *_INTAKE, *_LATE),
        ("site",),
    ),
    Cause("SegwatchDiskFull", (*_STAGES, *_INTAKE, *_LATE), ("site",)),
    Cause("SegwatchStageStuck", _LATE, ("site",)),
    Cause("SegwatchBridgeDown", ("SegwatchBridgeRestarting",), ("site",)),
    Cause("SegwatchStudiesLate", ("SegwatchStudiesOftenLate",), ("site",)),
)


def inhibit_rules() -> list[dict[str, Any]]:
    """Alertmanager's `inhibit_rules`."""
    return [
        {
            "source_matchers": [f'alertname = "{cause.alert}"'],
            "target_matchers": [f'alertname =~ "{"|".join(cause.explains)}"'],
            **({"equal": list(cause.equal)} if cause.equal else {}),
        }
        for cause in CAUSES
    ]
